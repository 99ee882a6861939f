"""Submits a request over mutual TLS with stubs generated on the spot.

Usage: submit.py PROTO_DIR STUB_DIR TARGET SERVER_NAME CA CERT KEY REQUEST.json

Generates client stubs from the published contract, sends the request, and
prints the case as JSON. What a national system in another language would do.
"""

import pathlib
import sys

import grpc
from google.protobuf import duration_pb2, json_format
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_tools import protoc


def generate(proto: str, stubs: str) -> None:
    files = sorted(str(path) for path in pathlib.Path(proto).rglob("*.proto"))
    include = pathlib.Path(protoc.__file__).parent / "_proto"
    arguments = ["protoc", f"-I{proto}", f"-I{include}", f"--python_out={stubs}", f"--grpc_python_out={stubs}"]
    if protoc.main(arguments + files) != 0:
        raise SystemExit("the contract does not compile")
    sys.path.insert(0, stubs)


def main() -> None:
    proto, stubs, target, name, ca, cert, key, request = sys.argv[1:]
    generate(proto, stubs)
    from comity.v1 import cooperation_service_pb2 as messages
    from comity.v1 import cooperation_service_pb2_grpc as services

    def read(path: str) -> bytes:
        return pathlib.Path(path).read_bytes()

    credentials = grpc.ssl_channel_credentials(read(ca), read(key), read(cert))
    options = [("grpc.ssl_target_name_override", name)]
    with grpc.secure_channel(target, credentials, options) as channel:
        listing = reflection_pb2.ServerReflectionRequest(list_services="")
        for answer in reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([listing])):
            for service in answer.list_services_response.service:
                print("service", service.name)
        message = messages.SubmitRequest(wait=duration_pb2.Duration(seconds=20))
        json_format.Parse(read(request), message.request)
        answer = services.CooperationServiceStub(channel).Submit(message, timeout=30)
        print(json_format.MessageToJson(answer, preserving_proto_field_name=True))


if __name__ == "__main__":
    main()
