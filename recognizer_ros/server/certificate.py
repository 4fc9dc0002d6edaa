"""A certificate of our own for HTTPS: browsers give a camera to secure pages only.

No authority has signed it, so each browser asks once whether to trust it.
"""

import datetime
import ipaddress
import socket
from pathlib import Path

import ifaddr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..core.errors import AccessError
from ..core.files import write_durably

_DAYS, _LEFT_DAYS = 397, 30  # browsers take none for longer
_KEY, _CERT = 'tls-key.pem', 'tls-cert.pem'


def own_pair(folder: Path) -> tuple[Path, Path]:
    """Return key and certificate of this machine, made when missing, too old, or when the machine
    has other addresses now.

    :param folder: which exists.
    :raises AccessError: they cannot be written.
    """
    key, cert = folder / _KEY, folder / _CERT
    names, addresses = _names(), own_addresses()
    if not (key.is_file() and cert.is_file() and _fits(cert, names, addresses)):
        try:
            _make(key, cert, names, addresses)
        except OSError as error:
            raise AccessError(f'cannot write a certificate into {folder}: {error.strerror}'
                              ) from error
    return key, cert


def own_addresses() -> list[str]:
    """Addresses by which others may reach this machine, IPv4 first; loopback at the end."""
    found = []
    for adapter in ifaddr.get_adapters():
        for one in adapter.ips:
            text = one.ip if isinstance(one.ip, str) else one.ip[0]
            if not ipaddress.ip_address(text).is_link_local:
                found.append(text)
    return sorted(set(found), key=lambda text: (
        ipaddress.ip_address(text).is_loopback, ':' in text, text))


def fingerprint(cert: Path) -> str:
    """SHA-256 of a certificate, as browsers show it."""
    found = x509.load_pem_x509_certificate(cert.read_bytes()).fingerprint(hashes.SHA256())
    return found.hex(':').upper()


def _names() -> list[str]:
    host = socket.gethostname()
    return sorted({host, f'{host.removesuffix(".local")}.local', 'localhost'})


def _fits(cert: Path, names: list[str], addresses: list[str]) -> bool:
    try:
        found = x509.load_pem_x509_certificate(cert.read_bytes())
        known = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    left = found.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc)
    return (left.days >= _LEFT_DAYS
            and set(names) <= set(known.get_values_for_type(x509.DNSName))
            and {ipaddress.ip_address(text) for text in addresses}
            <= set(known.get_values_for_type(x509.IPAddress)))


def _make(key: Path, cert: Path, names: list[str], addresses: list[str]) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, 'recognizer_ros')])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(who).issuer_name(who)
            .public_key(secret.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))  # clocks of phones differ
            .not_valid_after(now + datetime.timedelta(days=_DAYS))
            .add_extension(x509.SubjectAlternativeName([
                *map(x509.DNSName, names),
                *(x509.IPAddress(ipaddress.ip_address(text)) for text in addresses)]), False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .sign(secret, hashes.SHA256()))
    key.touch(mode=0o600)
    write_durably(cert, made.public_bytes(serialization.Encoding.PEM))
    with key.open('wb') as file:
        file.write(secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
    key.chmod(0o600)
