"""The secret that tokens are signed with: where it may stand, and what it must not be."""

import base64
import os

from case import Case
from scene import SECRET, token, token_of

__all__ = ["Secret"]


class Secret(Case):
    def refused(self, text, *words, mode=0o600, **jwt):
        self.scene.file("secret", text, mode)
        done = self.check(jwt={"secret_file": "secret", **jwt})
        self.assert_refused(done, *words)
        shown = text if isinstance(text, str) else text.decode(errors="replace")
        if len(shown) > 4:
            self.assertNotIn(shown, done.stderr)

    def test_too_short(self):
        for text in ("", "x", "short", SECRET[:31], SECRET[:31] + "\n", SECRET[:31] + "\r\n"):
            self.refused(text, "with fewer than 32")
        self.scene.file("secret", SECRET[:32] + "\r\n", 0o600)
        self.assert_fine(self.check())

    def test_known_to_everybody(self):
        for text in ("your-256-bit-secret-your-256-bit-secret", "a-string-secret-at-least-256-bits-long", "CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME",
                     "your-super-secret-jwt-key-change-in-production", "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
                     "0123456789abcdef0123456789abcdef", "MyPassWord!MyPassWord!MyPassWord!", "My-Secret-Key-That-Is-Long-Enough-For-This"):
            with self.subTest(text):
                self.refused(text, "from a tutorial or a template")

    def test_the_key_of_the_rfc_as_bytes(self):
        self.refused("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==", "from a tutorial", secret_encoding="base64")

    def test_of_a_few_characters_again_and_again(self):
        for text in ("x" * 40, "ab" * 20, "1231231" * 6):
            self.refused(text, "of a few characters again and again")

    def test_not_of_visible_characters(self):
        for text in (SECRET + "\n\n", SECRET + "\0", "\u00e4" * 40, SECRET + "\t", b"\xff" * 40):
            self.refused(text, "is not of visible characters")

    def test_far_too_long(self):
        self.refused(SECRET * 200, "more than 4096 bytes")

    def test_a_file_that_others_can_read_or_write(self):
        for mode in (0o644, 0o604, 0o602, 0o620, 0o666, 0o777):
            with self.subTest(oct(mode)):
                self.refused(SECRET, "chmod 600", mode=mode)
        for mode in (0o600, 0o400, 0o440):
            self.scene.file("other", SECRET, mode)
            self.assert_fine(self.check(jwt={"secret_file": "other"}))
            os.chmod(self.scene.folder / "other", 0o600)

    def test_a_file_that_is_none(self):
        self.assert_refused(self.check(jwt={"secret_file": "none"}), "`jwt.secret_file` is", "where there is no file")
        self.assert_refused(self.check(jwt={"secret_file": "."}), "which is a folder")
        self.assert_refused(self.check(jwt={"secret_file": "/dev/null"}), "which is no ordinary file")

    def test_named_twice_or_not_at_all(self):
        self.assert_refused(self.check(jwt=None), "no secret for tokens is named")
        self.assert_refused(self.check(jwt={"secret_file": "secret", "secret_env": "SECRET"}), "are both given")

    def test_in_a_variable(self):
        jwt = {"secret_env": "NOTES_SECRET"}
        self.assert_refused(self.check(jwt=jwt), "the variable NOTES_SECRET, which is not set")
        self.assert_refused(self.check(jwt=jwt, env={"NOTES_SECRET": ""}), "has 0 bytes")
        self.assert_refused(self.check(jwt=jwt, env={"NOTES_SECRET": "short"}), "the secret in the variable NOTES_SECRET has 5 bytes")
        server = self.serve(jwt=jwt, env={"NOTES_SECRET": SECRET})
        self.assertEqual(server.ask("GET", "/sync/capabilities", None, token("ann"), self.source()).status, 200)

    def test_bytes_in_base64(self):
        octets = bytes(range(100, 140))
        self.scene.file("secret", base64.b64encode(octets) + b"\n", 0o600)
        server = self.serve(jwt={"secret_file": "secret", "secret_encoding": "base64"})
        good = token_of({"sub": "ann", "exp": 1 << 40}, secret=octets)
        self.assertEqual(server.ask("GET", "/sync/capabilities", None, good, self.source()).status, 200)
        self.refused("!" * 44, "is not base 64", secret_encoding="base64")
        self.refused(base64.b64encode(octets[:31]), "has 31 bytes", secret_encoding="base64")
