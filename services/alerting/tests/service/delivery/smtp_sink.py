"""An SMTP server on any free port that prints each mail as one line of JSON, refuses recipients that begin with `refused`, puts off once those that begin with `later`, and hangs up on those that begin with `dropped`.

What it thinks of a mail to one that begins with `held` it says once a line comes on its standard input.
"""

import asyncio
import email
import email.policy
import json
import sys

from aiosmtpd.smtp import SMTP


class Sink:
    put_off = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return f"550 5.1.1 <{address}>: nobody is called so"
        if address.startswith("dropped"):
            server.transport.abort()
            return "421 never said"
        if address.startswith("later") and address not in self.put_off:
            self.put_off.add(address)
            return "450 4.2.0 later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "to": envelope.rcpt_tos,
            "from": envelope.mail_from,
            "to_header": str(mail["To"]),
            "subject": str(mail["Subject"]),
            "id": str(mail["Message-ID"]),
            "auto": str(mail["Auto-Submitted"]),
            "text": mail.get_body(("plain",)).get_content(),
            "html": mail.get_body(("html",)).get_content(),
        }
        print(json.dumps(told), flush=True)
        if envelope.rcpt_tos[0].startswith("held"):
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        return "250 taken"


async def main():
    loop = asyncio.get_running_loop()
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = await loop.create_server(
        lambda: SMTP(Sink(), enable_SMTPUTF8=True, hostname="localhost"), "127.0.0.1", port
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
