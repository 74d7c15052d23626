"""Lists the services of a server, reads a locality, and asks what changed and where a number comes from, knowing nothing but an address.

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

        told = {
            "services": services,
            "answer": ask("GetLocality", code=code),
            "changed": ask("DiffLocality", code=code, **{"from": {"as_of": "2023-06-02"}}),
            "explained": ask("ExplainFigure", code=code, indicator=indicator),
        }
    json.dump(told, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
