/**
 * Contender (a), in a process of its own: a gRPC server that lets everything through without looking. What grpc-js itself
 * costs, and so what no authorizer on it can go below.
 */
import { allowAll } from "./allow_all.js";

allowAll();
