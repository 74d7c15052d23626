"""Asks a server questions, knowing nothing but its address: all descriptions come from its own reflection (v1alpha, which this client speaks).

    ask.py ADDRESS SERVICE FILE

FILE holds a list of questions: `method` of `tiendo.v1.SERVICE`, `request` as JSON, `until` (the field that ends a stream, or null),
`unknown` (whether a field that nobody knows is sent along) and `alone` (whether nothing else may be asked meanwhile).
What was told is printed in their order, after the services and the methods.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

# Field 15,000, a number: 1.
UNKNOWN = b"\xc0\xa9\x07\x01"
# Beyond the 10 seconds for which a question may wait.
TIMEOUT = 50


def main() -> None:
    address, service, file = sys.argv[1:]
    with open(file, encoding="utf-8") as text:
        questions = json.load(text)
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = sorted(database.get_services())
        served = DescriptorPool(database).FindServiceByName(f"tiendo.v1.{service}")

        def prepared(question: dict):
            """The question in bytes, and how its answers are read."""
            method = served.FindMethodByName(question["method"])
            request = GetMessageClass(method.input_type)()
            json_format.ParseDict(question["request"], request)
            answer = GetMessageClass(method.output_type)
            sent = request.SerializeToString() + (UNKNOWN if question["unknown"] else b"")
            # On the wire a single answer is a stream of one.
            call = channel.unary_stream(
                f"/{served.full_name}/{method.name}",
                request_serializer=bytes,
                response_deserializer=answer.FromString,
            )
            return call, sent, question["until"]

        def ask(prepared) -> dict:
            call, sent, until = prepared
            told = []
            answers = call(sent, timeout=TIMEOUT)
            try:
                for answer in answers:
                    told.append(json_format.MessageToDict(answer))
                    if until and until in told[-1]:
                        answers.cancel()
                        break
            except grpc.RpcError as refused:
                details = dict(refused.trailing_metadata()).get("grpc-status-details-bin", b"")
                return {
                    "answers": told,
                    "code": refused.code().value[0],
                    "message": refused.details(),
                    "details": list(details),
                }
            return {"answers": told}

        ready = [prepared(question) for question in questions]
        told = [ask(one) if question["alone"] else None for question, one in zip(questions, ready)]
        with ThreadPoolExecutor(max_workers=64) as threads:
            others = [at for at, question in enumerate(questions) if not question["alone"]]
            for at, answer in zip(others, threads.map(ask, [ready[at] for at in others])):
                told[at] = answer
    methods = [method.name for method in served.methods]
    json.dump(
        {"services": services, "methods": methods, "told": told}, sys.stdout, ensure_ascii=False
    )


if __name__ == "__main__":
    main()
