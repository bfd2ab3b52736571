"""The programs that trayd is put beside: where they come from, how each is started, how a loss is seen on it."""
