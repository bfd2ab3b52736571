"""The words of every diagnosis: code -> (what is, what to do next).

A code with a scheme, "tls" or a variant behind it ("refused.unix", "closed.tls", "tls_files.no_ca") is more specific.
Fields: {address} {host} {port} {certs} {group} {status} {engine_api} {our_api}; for ssh {login} {socket}.
"""

SENTENCES: dict[str, tuple[str, str]] = {
    "socket_missing": (
        "Docker is not running, or it listens elsewhere: {address} does not exist.",
        "Start it: sudo systemctl start docker (or correct 'host' in the profile)",
    ),
    "socket_missing.npipe": (
        "Docker is not running: the pipe {address} does not exist.",
        "Start Docker Desktop, or correct 'host' in the profile.",
    ),
    "not_a_socket": (
        "{address} is not a socket: a file or folder is in its place.",
        "Move it away, then restart the engine: sudo systemctl restart docker",
    ),
    "refused": (
        "{host} is up, but nothing listens on port {port}.",
        "Start the engine there, or check the port; dockerd listens on TCP only with -H tcp://…",
    ),
    "refused.unix": (
        "The engine is installed but stopped: {address} refuses connections.",
        "Start it: sudo systemctl start docker",
    ),
    "stopped_activatable": (
        "Docker is stopped; the next docker command starts it.",
        "Start it: sudo systemctl start docker",
    ),
    "refused.ssh": (
        "{host} is up, but its ssh port is closed.",
        "Start sshd there, or correct the port in the profile or in ~/.ssh/config.",
    ),
    "socket_permission": (
        "You may not use Docker: {address} is open only to root and the group '{group}'.",
        "Join the group, then log in again: sudo usermod -aG {group} $USER (its members are as good as root)",
    ),
    "socket_permission.root_only": (
        "You may not use Docker: {address} is open only to root.",
        "Make the group docker, join it, restart the computer: sudo groupadd docker; sudo usermod -aG docker $USER",
    ),
    "socket_permission.closed_folder": (
        "You may not use Docker: the folder of {address} is closed to you.",
        "It may be another user's own engine: correct 'host' in the profile, or ask them.",
    ),
    "socket_permission.npipe": (
        "You may not use Docker: the pipe {address} denies access.",
        "Ask an administrator to add you to the group docker-users, then log in again.",
    ),
    "socket_path_too_long": (
        "The path of the socket is too long, about 100 characters is the most: {address}",
        "Make a short link and use it as 'host': ln -s LONG-PATH ~/docker.sock",
    ),
    "busy": (
        "The engine is stuck: its queue of waiting connections is full.",
        "Wait a moment; if it stays so, restart the engine: sudo systemctl restart docker",
    ),
    "busy.npipe": (
        "The engine is stuck: nobody takes another connection at the pipe {address}.",
        "Wait a moment; if it stays so, restart Docker Desktop.",
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
        "Check that the machine is on, that your VPN is up, and that the firewall lets port {port} through.",
    ),
    "connect_timeout.ssh": (
        "{host} does not answer at all: it is off, asleep, or a firewall is in between.",
        "Check that the machine is on, that your VPN is up, and that the firewall lets ssh through.",
    ),
    "no_answer": (
        "The engine accepts connections but does not answer.",
        "It may still be starting; if it stays so, restart it: sudo systemctl restart docker",
    ),
    "no_answer.tcp": (
        "{address} accepts connections but does not answer.",
        "The engine may still be starting; if it stays so, restart it on that machine.",
    ),
    "no_answer.npipe": (
        "{address} accepts connections but does not answer.",
        "Docker Desktop may still be starting; if it stays so, restart it.",
    ),
    "no_answer.ssh": (
        "The engine on {host} accepts connections but does not answer.",
        "It may still be starting; if it stays so, restart it there: sudo systemctl restart docker",
    ),
    "connection_lost": (
        "The network connection to {address} broke.",
        "Check your network and VPN; trayd keeps trying.",
    ),
    "connection_lost.ssh": (
        "The ssh connection to {host} broke.",
        "Check your network and VPN; trayd connects again by itself.",
    ),
    "closed": (
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting; if it stays so, look into its log: journalctl -u docker",
    ),
    "closed.tcp": (
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting, or this port only forwards to an engine that is off.",
    ),
    "closed.npipe": (
        "{address} takes connections but closes them without an answer.",
        "Docker Desktop may be starting or ending its engine; if it stays so, restart it.",
    ),
    "closed.tls": (
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting, or it refuses the certificate in {certs}.",
    ),
    "not_http": (
        "Something answers at {address}, but it is not Docker: it does not speak HTTP.",
        "Correct 'host' in the profile: another service, such as ssh, listens there.",
    ),
    "not_docker": (
        "A web server answers at {address}, but it is not Docker.",
        "Correct 'host' in the profile; in a hotel or a train, log in to its network first.",
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
        "Something answers in place of the engine at {address}, with an error (HTTP {status}).",
        "The engine may be starting; if it stays so, restart Docker Desktop, or check the proxy in front of it.",
    ),
    "http_error": (
        "The engine does not accept trayd's question (HTTP {status}).",
        "Copy the details and report them: trayd did not expect this.",
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
        "Add this line to the profile, with the folder of its ca.pem, cert.pem and key.pem: tls: {{cert_path: FOLDER}}",
    ),
    "tls_not_spoken": (
        "The profile asks for TLS, but {address} does not speak it.",
        "Remove 'tls' from the profile, or correct the port: usually 2376 with TLS, 2375 without.",
    ),
    "tls_too_old": (
        "{address} speaks only an outdated TLS.",
        "Update Docker there: TLS 1.2 or newer is needed.",
    ),
    "tls_failed": (
        "The TLS connection to {address} fails before the engine can answer.",
        "Copy the details, and look for the other side of it in the engine's log: journalctl -u docker",
    ),
    "tls_files": (
        "The TLS files in {certs} cannot be used.",
        "Put ca.pem, cert.pem and key.pem of this engine there.",
    ),
    "tls_files.no_ca": (
        "There is no ca.pem in {certs}.",
        "Put ca.pem, cert.pem and key.pem of this engine there, or correct 'cert_path' in the profile.",
    ),
    "tls_files.half": (
        "There is only one of cert.pem and key.pem in {certs}.",
        "Put the other one there too: they are made together.",
    ),
    "tls_files.mismatch": (
        "cert.pem and key.pem in {certs} do not belong together.",
        "Copy both again from the same place: they are made together.",
    ),
    "tls_files.locked": (
        "The key in {certs} is locked with a password, which trayd cannot ask for.",
        "Unlock it there: openssl pkey -in key.pem -out open.pem && mv open.pem key.pem",
    ),
    "tls_files.unreadable": (
        "You may not read the TLS files in {certs}.",
        "Make them yours: sudo chown -R $USER {certs}",
    ),
    "tls_files.damaged": (
        "A TLS file in {certs} is damaged, or not in PEM form.",
        "Copy ca.pem, cert.pem and key.pem of this engine there again; the details name the file.",
    ),
    "cert_unknown_ca": (
        "The certificate of {address} was not signed by the ca.pem in {certs}.",
        "Copy the engine's ca.pem there; when its machine was made anew, so was its ca.pem.",
    ),
    "cert_expired": (
        "The engine's certificate has expired.",
        "Renew it there; docker-machine does it, and restarts the engine: docker-machine regenerate-certs NAME",
    ),
    "cert_not_yet_valid": (
        "The engine's certificate is not valid yet: a clock is wrong, here or on {host}.",
        "Set the wrong clock right: sudo timedatectl set-ntp true",
    ),
    "cert_wrong_host": (
        "The engine's certificate is for another address than {host}.",
        "Use an address that is in the certificate, or make a new one: docker-machine regenerate-certs NAME",
    ),
    "cert_weak": (
        "The engine's certificate is too weak to be trusted.",
        "Make a new one with an RSA key of 2048 bits or more, or an elliptic curve.",
    ),
    "cert_wrong_purpose": (
        "The engine shows a certificate that was not made for a server.",
        "Make a new one for it, with extendedKeyUsage = serverAuth.",
    ),
    "cert_invalid": (
        "The engine's certificate cannot be trusted.",
        "Make a new one for it; the details say what is wrong with this one.",
    ),
    "client_cert_rejected": (
        "The engine at {address} does not accept your certificate.",
        "Put its cert.pem and key.pem into {certs}. Expired? openssl x509 -noout -enddate -in {certs}/cert.pem",
    ),
    "client_cert_missing": (
        "The engine at {address} wants a certificate from you, and {certs} has none.",
        "Put cert.pem and key.pem for this engine into {certs}.",
    ),
    "proxy": (
        "A proxy between here and {address} refuses the connection.",
        "Check the proxy, or leave it out for this address.",
    ),
    "ssh_missing": (
        "The program ssh is not installed here.",
        "Install it: sudo apt install openssh-client",
    ),
    "ssh_config": (
        "Your own ssh settings cannot be used.",
        "Try it in a terminal, ssh names the file and the line: {login}",
    ),
    "ssh_hostkey_unknown": (
        "{host} is not known to ssh yet, and trayd never trusts a new host by itself.",
        "Connect once in a terminal and compare the fingerprint: {login}",
    ),
    "ssh_hostkey_changed": (
        "{host} shows another host key than before: it was made anew, or somebody is in between.",
        "Ask whoever runs it which is true before you do anything; then connect once in a terminal: {login}",
    ),
    "ssh_auth": (
        "{host} does not accept your ssh key.",
        "Try it in a terminal: {login} (ssh-copy-id puts your key there; trayd can type no password)",
    ),
    "ssh_key_passphrase": (
        "Your ssh key is locked with a passphrase, and no agent has it open.",
        "Unlock it for this session: ssh-add",
    ),
    "ssh_protocol": (
        "Something answers at {address}, but the ssh connection does not come about.",
        "Correct the port in the profile, or look into the log there: journalctl -u ssh",
    ),
    "ssh_login_slow": (
        "The login at {host} by ssh takes longer than this profile waits.",
        "Try it in a terminal: {login} (and raise health.timeout in the profile if that is its usual pace)",
    ),
    "ssh_forward_refused": (
        "The ssh server of {host} does not pass connections on to {socket}.",
        "Allow it there: AllowStreamLocalForwarding yes in sshd_config, no 'restrict' before your key.",
    ),
    "ssh_remote_docker_missing": (
        "Docker is not installed on {host}, or not for everybody to find.",
        "Install it there, or correct the path of its socket in the profile: {socket}",
    ),
    "ssh_remote_socket_missing": (
        "Docker is not running on {host}, or it listens elsewhere: there is no {socket}.",
        "Start it there: sudo systemctl start docker (or add its path to 'host' in the profile)",
    ),
    "ssh_remote_gone": (
        "The engine on {host} has just ended its connections, and takes no new ones.",
        "It may be restarting; in a moment trayd knows more.",
    ),
    "ssh_remote_stopped": (
        "Docker is installed but stopped on {host}: {socket} refuses connections.",
        "Start it there: sudo systemctl start docker",
    ),
    "ssh_remote_permission": (
        "On {host} you may not use Docker: {socket} is closed to you.",
        "Join its group there, then log in again: sudo usermod -aG docker $USER (its members are as good as root)",
    ),
    "unsupported.ssh": (
        "ssh:// is not possible on this system yet.",
        "Use tcp:// with TLS for this engine.",
    ),
    "unsupported": (
        "{address} cannot be reached from this system.",
        "Correct 'host' in the profile: npipe:// works on Windows only.",
    ),
    "unknown": (
        "{address} cannot be reached, for a reason that trayd does not know.",
        "Copy the details and report them.",
    ),
}
