"""Names and addresses of machines."""

import ipaddress


def is_loopback(name: str) -> bool:
    """Whether a host name or address without port means this machine itself."""
    if name.lower() == 'localhost':
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
