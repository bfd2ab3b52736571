"""The words of every diagnosis: code -> (what is, what to do next).

A code with a scheme behind it ("refused.unix") is more specific. Fields: {address} {host} {port} {certs} {group}
{status} {engine_api} {our_api}.
"""

SENTENCES: dict[str, tuple[str, str]] = {
    "socket_missing": (
        "Docker is not running, or it listens elsewhere: {address} does not exist.",
        "Start it (sudo systemctl start docker), or correct 'host' in the profile.",
    ),
    "socket_missing.npipe": (
        "Docker is not running: the pipe {address} does not exist.",
        "Start Docker Desktop, or correct 'host' in the profile.",
    ),
    "not_a_socket": (
        "{address} is not a socket: a file or folder is in its place.",
        "Move it away and restart the engine: sudo systemctl restart docker",
    ),
    "refused": (
        "{host} is up, but nothing listens on port {port}.",
        "Start the engine there, or check the port; dockerd listens on TCP only with -H tcp://…",
    ),
    "refused.unix": (
        "The engine is installed but stopped: {address} refuses connections.",
        "Start it: sudo systemctl start docker",
    ),
    "socket_permission": (
        "You may not use Docker: {address} is open only to root and the group '{group}'.",
        "Join the group, then log in again: sudo usermod -aG {group} $USER (its members are as good as root)",
    ),
    "socket_permission.npipe": (
        "You may not use Docker: the pipe {address} denies access.",
        "Ask an administrator to add you to the group docker-users, then log in again.",
    ),
    "socket_path_too_long": (
        "The path of the socket is too long for the system: {address}",
        "Use a shorter path, for example a symbolic link to it (about 100 characters at most).",
    ),
    "busy": (
        "The engine is stuck: its queue of waiting connections is full.",
        "Wait a moment; if it stays so, restart the engine: sudo systemctl restart docker",
    ),
    "dns": (
        "The name {host} is not known.",
        "Check its spelling, your network and your VPN.",
    ),
    "no_route": (
        "There is no way to {host} from here.",
        "Check your network and VPN, and that the machine is on.",
    ),
    "connect_timeout": (
        "{host} does not answer at all: it is off, asleep, or a firewall is in between.",
        "Check that the machine is on, your VPN, and the firewall for port {port}.",
    ),
    "no_answer": (
        "The engine accepts connections but does not answer.",
        "It may still be starting; if it stays so, restart it: sudo systemctl restart docker",
    ),
    "no_answer.tcp": (
        "{address} accepts connections but does not answer.",
        "The engine may still be starting; if it stays so, restart it on that machine.",
    ),
    "connection_lost": (
        "The network connection to {address} broke.",
        "Check your network and VPN; trayd keeps trying.",
    ),
    "closed": (
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting; if it stays so, look into its log: journalctl -u docker",
    ),
    "closed.tcp": (
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting, or this port forwards to nothing, or it refuses your certificate.",
    ),
    "not_http": (
        "Something answers at {address}, but it is not Docker: it does not speak HTTP.",
        "Check the port in the profile; another service (ssh?) may own it.",
    ),
    "not_docker": (
        "A web server answers at {address}, but it is not Docker.",
        "Check the address in the profile; a router or a login page of the network may be in between.",
    ),
    "denied": (
        "The engine refuses your requests (HTTP {status}): an authorisation plugin says no.",
        "Ask whoever runs this engine for access.",
    ),
    "denied_or_proxy": (
        "Something in front of the engine refuses your requests (HTTP {status}).",
        "Ask whoever runs the proxy at {address} for access.",
    ),
    "engine_error": (
        "The engine is ill: it answers with an error of its own (HTTP {status}).",
        "Look into its log: journalctl -u docker",
    ),
    "proxy_or_starting": (
        "{address} answers that there is no engine behind it yet (HTTP {status}).",
        "It may be starting; if it stays so, restart Docker Desktop or check the proxy.",
    ),
    "http_error": (
        "The engine does not take trayd's question (HTTP {status}).",
        "Copy the details and report them: this is unexpected.",
    ),
    "api_too_old": (
        "The engine is too old: it speaks API {engine_api}, and trayd needs {our_api} or newer.",
        "Update Docker there to version 1.12 or newer.",
    ),
    "api_client_too_old": (
        "trayd is too old for this engine: it wants API {engine_api} or newer, and trayd speaks {our_api} at most.",
        "Update trayd: pipx upgrade trayd",
    ),
    "tls_needed": (
        "The engine at {address} wants TLS, and this profile has none.",
        "Add to the profile:  tls: {{cert_path: FOLDER}}  with its ca.pem, cert.pem and key.pem.",
    ),
    "tls_not_spoken": (
        "The profile asks for TLS, but {address} does not speak it.",
        "Remove tls: from the profile, or correct the port (2376 is usual with TLS, 2375 without).",
    ),
    "tls_too_old": (
        "{address} speaks only an outdated TLS.",
        "Update Docker there: TLS 1.2 or newer is needed.",
    ),
    "tls_failed": (
        "No TLS connection to {address} comes about.",
        "Copy the details and compare the certificates in {certs} with the engine's.",
    ),
    "tls_files": (
        "The TLS files in {certs} cannot be used: one is missing, unreadable, encrypted or not in PEM form.",
        "Put ca.pem, cert.pem and key.pem of this engine there; cert and key must belong together.",
    ),
    "cert_unknown_ca": (
        "The engine at {address} shows a certificate of an unknown authority.",
        "Put the ca.pem of this engine into {certs}; was the machine made anew?",
    ),
    "cert_expired": (
        "The engine's certificate has expired.",
        "Renew it on the engine; with docker-machine: docker-machine regenerate-certs NAME (restarts the engine)",
    ),
    "cert_not_yet_valid": (
        "The engine's certificate is not valid yet: the clocks of the two machines differ.",
        "Set the clock right, here and on {host}.",
    ),
    "cert_wrong_host": (
        "The engine's certificate is for another address than {host}.",
        "Use a name or address that is in the certificate, or make it anew: docker-machine regenerate-certs NAME",
    ),
    "cert_weak": (
        "The engine's certificate is too weak to be trusted.",
        "Make a new one with an RSA key of 2048 bits or more, or an elliptic curve.",
    ),
    "cert_wrong_purpose": (
        "The engine shows a certificate that is not one for servers.",
        "Make the server certificate anew (extendedKeyUsage serverAuth).",
    ),
    "cert_invalid": (
        "The engine's certificate cannot be trusted.",
        "Copy the details, and make the certificate anew.",
    ),
    "client_cert_rejected": (
        "The engine at {address} does not accept your certificate.",
        "Put cert.pem and key.pem made for this engine into {certs}, and check that they have not expired.",
    ),
    "client_cert_missing": (
        "The engine at {address} wants a certificate from you, and {certs} has none.",
        "Put cert.pem and key.pem made for this engine into {certs}.",
    ),
    "proxy": (
        "A proxy between here and {address} refuses the connection.",
        "Check the proxy, or leave it out for this address.",
    ),
    "unsupported": (
        "{address} cannot be reached from this system.",
        "Correct 'host' in the profile: npipe:// works on Windows only.",
    ),
    "unknown": (
        "{address} cannot be reached, for a reason trayd does not know.",
        "Copy the details and report them.",
    ),
}
