//! The public contract of the Comity gateway.

/// Key and value of the metadata by which a submission says, before it is read,
/// that it is an emergency. See `CooperationService.Submit`.
pub const EMERGENCY: (&str, &str) = ("comity-urgency", "emergency");

/// Bytes of a message that whoever receives one of a `Case` or a `DeliverRequest` takes: what
/// gRPC takes by itself is less than these may have. See `CooperationService`.
pub const RECEIVED_BYTES_MAX: usize = 32 << 20;

/// A call with a message of this urgency: an emergency is marked as such, if it is no
/// exercise.
pub fn marked<T>(message: T, urgency: Option<v1::Urgency>, exercise: bool) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let urgency = urgency.filter(|_| !exercise);
    if urgency.is_some_and(|urgency| urgency.level() == v1::UrgencyLevel::Emergency) {
        let (key, value) = EMERGENCY;
        let value = tonic::metadata::MetadataValue::from_static(value);
        request.metadata_mut().insert(key, value);
    }
    request
}

/// Version 1 of the contract.
pub mod v1 {
    tonic::include_proto!("comity.v1");
}

/// The encoded `google.protobuf.FileDescriptorSet` of the contract.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/comity.v1.bin"));
