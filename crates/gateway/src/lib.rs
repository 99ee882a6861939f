//! The five stages and the gRPC services.
