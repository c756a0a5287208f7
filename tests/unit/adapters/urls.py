"""URLs and addresses that nobody may be sent to, names that resolve as they are told, and a spy on the sockets."""

from ipaddress import ip_address
from typing import Any

HOST = "pictures.example"


class Spy:
    """What the process connected to and which names it looked up while this was watching."""

    def __init__(self) -> None:
        self.connects: list[Any] = []
        self.lookups: list[Any] = []
        self.watching = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event == "socket.connect":
            self.connects.append(arguments[1])
        elif self.watching and event == "socket.getaddrinfo" and not _is_literal(arguments[0]):
            self.lookups.append(arguments[0])


def _is_literal(host: Any) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class Names:
    """A resolver that gives its answers one after the other, and the last one from then on."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


# Absolute with any parser, so also a redirect's target.
REFUSED = [
    # loopback and unspecified
    "http://127.0.0.1/",
    "http://127.0.0.1:80/",
    "https://127.0.0.1:443/",
    "http://127.8.9.10/",
    "http://127.255.255.255/",
    "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]/",
    "http://[::]/",
    # private, shared, link-local, metadata
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://192.168.255.255/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://100.127.255.255/",
    "http://169.254.0.1/",
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "http://169.254.170.2/v2/credentials",
    "http://169.254.170.23/v1/credentials",
    "http://169.254.100.1/2018-06-01/runtime/invocation/next",
    "http://168.63.129.16/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fd00:ec2::23]/v1/credentials",
    "http://[fd00:0ec2:0:0:0:0:0:254]/latest/meta-data/",
    "http://[fc00::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    # reserved, documentation, benchmarks, multicast, broadcast
    "http://192.0.0.8/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[100::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[ff02::1]/",
    "http://[ff0e::1]/",
    # IPv4 inside IPv6
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:10.0.0.1]/",
    "http://[::ffff:0:169.254.169.254]/",
    "http://[::169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:5601:5601]/",
    "http://[2001::1]/",
    # other spellings of addresses
    "http://2852039166/",
    "http://2130706433/",
    "http://0251.0376.0251.0376/",
    "http://0177.0.0.1/",
    "http://0177.1/",
    "http://017700000001/",
    "http://0xa9fea9fe/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0xA9.0xFE.0xA9.0xFE/",
    "http://169.254.43518/",
    "http://169.0376.0xa9fe/",
    "http://127.0.0.0x1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://0x/",
    "http://127.0.0.1./",
    "http://169.254.169.254../",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://8.8.8.08/",
    "http://[127.0.0.1]/",
    "http://[::1/",
    "http://[::1%25eth0]/",
    "http://[fe80::1%25lo]/",
    "http://[fe80::1%lo]/",
    # names that are local by nature, or no names
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://localhost.localdomain/",
    "http://a.localhost/",
    "http://pictures.local/",
    "http://metadata.google.internal/",
    "http://ip-10-0-0-1.ec2.internal/",
    "http://router.home.arpa/",
    "http://metadata/",
    "http://example.com./",
    "http://example..com/",
    "http://.example.com/",
    "http://-a.example.com/",
    f"http://{'a' * 64}.example.com/",
    f"http://{'a.' * 130}com/",
    "http:///a.png",
    "http://?a",
    "http://:80/",
    # what parsers read differently
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://@example.com/",
    "http://example.com@169.254.169.254/",
    "http://example.com:80@169.254.169.254/",
    "http://169.254.169.254@example.com/",
    "http://example.com#@169.254.169.254/",
    "http://169.254.169.254:80#@example.com/",
    "http://169.254.169.254:80@example.com/",
    "http://example.com?@169.254.169.254/",
    "http://example.com\\@169.254.169.254/",
    "http://169.254.169.254\\.example.com/",
    "http://example.com;169.254.169.254/",
    "http://example.com,169.254.169.254/",
    "http://example.com%2f@169.254.169.254/",
    "http://127.0.0.1%00.example.com/",
    "http://%31%32%37.0.0.1/",
    "http://example.com/a b",
    "http://example.com /",
    "http://exam\tple.com/",
    "http://exam\x7fple.com/",
    # other alphabets
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.0.0.1/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://ſocal.example.com/",
    "http://\u212aelvin.example.com/",
    "http://bücher.example.com/",
    "http://xn--a.example.com/",
    "http://xn--.example.com/",
    "http://exam\u200bple.com/",
    "http://exam\u00adple.com/",
    "http://example.com\u2028/",
    "http://example.com\u3000/",
    # schemes and ports
    "ftp://example.com/a.png",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "file://localhost/proc/self/environ",
    "dict://127.0.0.1:11211/stat",
    "ldap://127.0.0.1/",
    "jar:http://example.com!/",
    "ws://example.com/",
    "s3://bucket/key",
    "javascript:alert(1)",
    "data:image/png;base64,iVBORw0KGgo=",
    "data:image/png;base64," + "A" * 10_000,
    "https://example.com/" + "a" * 9000,
    "http://example.com:22/",
    "http://example.com:8080/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:99999/",
    "http://example.com:080808/",
    "http://example.com:-1/",
    "http://example.com:8o/",
    "http://example.com:/",
]
# These a server cannot send in a header, or they are relative, so harmless there.
REFUSED_AS_TEXT = [
    "",
    " ",
    "a.png",
    "example.com/a.png",
    "/etc/passwd",
    "//169.254.169.254/",
    "http:",
    "http:/127.0.0.1/",
    "http:127.0.0.1",
    "http:\\\\127.0.0.1\\",
    "://127.0.0.1/",
    " http://example.com/",
    "http://example.com/\n",
    "http://example.com\r\nHost: localhost/",
    "http://example.com\x00.example.org/",
    "\x01http://example.com/",
]

PRIVATE_ADDRESSES = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.20.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.9",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fd00:ec2::254",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "2001:0:4136:e378:8000:63bf:5601:5601",
    "not an address",
    "",
]
