"""An example for every key of a profile, each a whole file; the tests read them all as trayd does."""

EXAMPLES = {
    "host": "host: tcp://192.168.99.100:2376\ntls: {cert_path: ~/.docker/office}\n",
    "context": "context: desktop-linux\n",
    "machine": "machine: default\n",
    "tls": "host: tcp://build.example:2376\ntls:\n  cert_path: ~/.docker/build\n",
    "tls.cert_path": "host: tcp://build.example:2376\ntls:\n  cert_path: C:/Users/ann/.docker/build\n",
    "tls.verify": (
        "host: tcp://lab.example:2376\ntls:\n  cert_path: ~/.docker/lab\n"
        "  verify: false   # anybody could answer here; a warning in trayd check says so\n"
    ),
    "env": 'host: unix:///var/run/docker.sock\nenv:\n  COMPOSE_PROJECT_NAME: demo\n  BUILDKIT_PROGRESS: "plain"\n',
    "protected": "host: ssh://ann@production.example\nprotected: true\n",
    "health": "host: ssh://ann@build.example\nhealth: {interval: 30s, timeout: 10s, slow: 2s, grace: 10s}\n",
    "health.interval": "host: tcp://build.example:2375\nhealth:\n  interval: 1m\n",
    "health.timeout": "host: tcp://build.example:2375\nhealth:\n  timeout: 8s\n",
    "health.slow": "host: tcp://build.example:2375\nhealth:\n  slow: 250ms\n",
    "health.grace": "host: tcp://build.example:2375\nhealth:\n  grace: 0   # tell a loss at once\n",
    "health.events": "context: desktop-linux\nhealth:\n  events: true   # it may wake the virtual machine\n",
    "health.wake": "host: unix:///var/run/docker.sock\nhealth:\n  wake: true\n",
    "notifications": "host: tcp://lab.example:2375\nnotifications: false\n",
    "when": "host: unix:///var/run/docker.sock\nwhen: {os: [linux], hostname: [thinkpad]}\n",
    "when.os": "host: npipe:////./pipe/docker_engine\nwhen:\n  os: [windows]\n",
    "when.hostname": "host: tcp://192.168.1.7:2375\nwhen:\n  hostname: [thinkpad, desk.example.org]\n",
}
