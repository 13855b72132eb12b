"""Agencies with keys, and the documents they sign about each other."""

from dataclasses import dataclass, field

from protocol import documents
from protocol.encoding import b64u_encode
from protocol.keys import SealingKey, SigningKey
from schemas.agencies import AgencyKeys, Introduction, KeyChange
from schemas.envelopes import Envelope
from schemas.handover import EarlierKey, KnownMember

PARTNERSHIP = "borsetshire"
AT = 1_768_478_400_000


@dataclass
class Someone:
    """An agency that may be introduced and may introduce others."""

    name: str
    key: SigningKey = field(default_factory=SigningKey.generate)
    sealing: SealingKey = field(default_factory=SealingKey.generate)
    earlier: tuple[EarlierKey, ...] = ()

    @property
    def keys(self) -> AgencyKeys:
        """Its public keys."""
        return AgencyKeys(
            signing=b64u_encode(self.key.public), sealing=b64u_encode(self.sealing.public)
        )

    @property
    def known(self) -> KnownMember:
        """Itself as a member knows it."""
        return KnownMember(
            agency=self.name,
            name=self.name.title(),
            role="member",
            keys=self.keys,
            earlier=self.earlier,
        )

    def introduces(
        self, other: "Someone", keys: AgencyKeys | None = None, partnership: str = PARTNERSHIP
    ) -> Envelope:
        """Return this agency's signed introduction of `other`, with `keys` if given."""
        document = Introduction(
            partnership=partnership,
            introducer=self.name,
            agency=other.name,
            name=other.name.title(),
            role="member",
            keys=keys or other.keys,
            signed_at=AT,
        )
        return documents.sign(document, self.key)

    def changes_keys(self) -> Envelope:
        """Take new keys; return the change signed with the old one."""
        old = self.key
        replaced = EarlierKey(signing=b64u_encode(old.public), until=AT)
        self.earlier = (*self.earlier, replaced)
        self.key, self.sealing = SigningKey.generate(), SealingKey.generate()
        document = KeyChange(
            partnership=PARTNERSHIP,
            agency=self.name,
            old_key=old.key_id,
            keys=self.keys,
            signed_at=AT,
        )
        return documents.sign(document, old)
