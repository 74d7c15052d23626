"""Lists the services of a server and reads a locality, knowing nothing but its address.

Everything comes from the server's own reflection (v1alpha, which this client speaks).

    read_locality.py ADDRESS CODE
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
    address, code = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = sorted(database.get_services())
        pool = DescriptorPool(database)
        method = pool.FindServiceByName("tiendo.v1.QueryService").FindMethodByName("GetLocality")
        request = GetMessageClass(method.input_type)(code=code)
        call = channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        answer = json_format.MessageToDict(call(request, timeout=30))
    json.dump({"services": services, "answer": answer}, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
