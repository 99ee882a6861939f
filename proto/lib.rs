//! The public contract of the Comity gateway.

/// Key and value of the metadata by which a submission says, before it is read,
/// that it is an emergency. See `CooperationService.Submit`.
pub const EMERGENCY: (&str, &str) = ("comity-urgency", "emergency");

/// Version 1 of the contract.
pub mod v1 {
    tonic::include_proto!("comity.v1");
}

/// The encoded `google.protobuf.FileDescriptorSet` of the contract.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/comity.v1.bin"));
