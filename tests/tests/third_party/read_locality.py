"""Lists the services of a server, reads a locality, asks what changed, where a number comes from, how its models stand, who holds what and who has not reported, and watches it, knowing nothing but an address.

Everything comes from the server's own reflection (v1alpha, which this client speaks).

    read_locality.py ADDRESS CODE INDICATOR
"""

import json
import sys

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)


def main() -> None:
    address, code, indicator = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = sorted(database.get_services())
        queries = DescriptorPool(database).FindServiceByName("tiendo.v1.QueryService")

        def ask(name: str, **fields: str | dict) -> dict:
            method = queries.FindMethodByName(name)
            request = GetMessageClass(method.input_type)(**fields)
            call = channel.unary_unary(
                f"/{queries.full_name}/{name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=GetMessageClass(method.output_type).FromString,
            )
            return json_format.MessageToDict(call(request, timeout=30))

        def watch(**fields: dict | int) -> list[dict]:
            """What is told up to the marker; then the watch is left."""
            method = queries.FindMethodByName("Watch")
            request = GetMessageClass(method.input_type)(**fields)
            call = channel.unary_stream(
                f"/{queries.full_name}/Watch",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=GetMessageClass(method.output_type).FromString,
            )
            answers, told = call(request, timeout=30), []
            for answer in answers:
                told.append(json_format.MessageToDict(answer))
                if answer.HasField("caught_up"):
                    break
            answers.cancel()
            return told

        told = {
            "services": services,
            "answer": ask("GetLocality", code=code),
            "changed": ask("DiffLocality", code=code, **{"from": {"as_of": "2023-06-02"}}),
            "explained": ask("ExplainFigure", code=code, indicator=indicator),
            "watched": watch(locality={"code": code}, after_position=0),
            "matrix": ask("GetModelMatrix", parent_code=code),
            "held": ask("GetOwnerPortfolio", organisation="cong an tinh", code=code),
            "missing": ask("ListMissingReports", indicator=indicator, parent_code=code),
        }
    json.dump(told, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
