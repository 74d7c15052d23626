# python -m pip install "nats-py[nkeys]==2.16.0"
import asyncio
import json
import ssl

import nats

URL = "{{url}}"
CA = "{{ca}}"  # who vouches for the server; empty: those this machine trusts
SEED = "{{seed}}"  # the file with your key; empty: the server lets everybody in
INBOX = "{{inbox}}"
DOMAIN = "{{domain}}"
STREAM = "{{stream}}"
NAME = "{{name}}"


async def main():
    options = {"inbox_prefix": INBOX, "max_reconnect_attempts": -1}
    if CA:
        options["tls"] = ssl.create_default_context(cafile=CA)
    if SEED:
        options["nkeys_seed"] = SEED
    connection = await nats.connect(URL, **options)
    stream = connection.jetstream(**({"domain": DOMAIN} if DOMAIN else {}))
    consumer = await stream.pull_subscribe_bind(NAME, stream=STREAM)
    while True:
        try:
            messages = await consumer.fetch(100, timeout=5)
        except asyncio.TimeoutError:
            continue
        for message in messages:
            event = json.loads(message.data)
            # An event may come again, and behind newer ones: keep each once, by its source and sequence.
            print(event["sequence"], event["type"], event["subject"], flush=True)
            # Not acknowledged, it comes again.
            await message.ack()


asyncio.run(main())
