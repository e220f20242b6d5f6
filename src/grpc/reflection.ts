import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProto } from "grpc-health-check";
import { strictDescriptors } from "./descriptors.js";
import { accessLogService, authorizationService, type Protos } from "./load_protos.js";

const healthService = "grpc.health.v1.Health";

/** Descriptors of all files that the services of this server need. */
export function servedDescriptors(protos: Protos): Buffer[] {
  const health = loadSync(healthProto, { keepCase: true });
  const types = [protos.definition["envoy.service.auth.v3.CheckRequest"], health["grpc.health.v1.HealthCheckRequest"]];
  const files = types.flatMap((type) => {
    // Every type that was loaded carries all files of its load; a service carries none.
    if (!Array.isArray(type?.fileDescriptorProtos)) throw new Error("the protocol definitions hold no descriptors");
    return type.fileDescriptorProtos as Buffer[];
  });
  return strictDescriptors(files);
}

/** Server reflection (v1 and v1alpha) over the services of this server. */
export function reflection(protos: Protos): ReflectionService {
  const root = { files: { fileDescriptorProtos: servedDescriptors(protos) } };
  // Of a package definition the service reads nothing but these.
  return new ReflectionService(root as unknown as PackageDefinition, {
    services: [authorizationService, accessLogService, healthService],
  });
}
