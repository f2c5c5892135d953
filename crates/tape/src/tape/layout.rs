//! The layout of a recording, in the words of MCAP.

/// The longest record, bytes: a message of the socket has at most half of that.
pub const MAX_RECORD_BYTES: usize = 32 << 20;
/// The longest chunk, bytes before compression: one that is as good as full, and the longest record.
pub(super) const MAX_CHUNK_BYTES: usize = 64 << 20;
/// MCAP's word for who may know what the records mean; the number counts layouts.
pub(super) const PROFILE: &str = "stoop/1";
pub(super) const PROFILE_FAMILY: &str = "stoop/";

pub(super) const BYTES_ENCODING: &str = "application/octet-stream";
pub(super) const JSON_ENCODING: &str = "json";
/// Members of the metadata of a channel of frames.
pub(super) const ORIGIN_KEY: &str = "origin";
pub(super) const ENDPOINT_KEY: &str = "endpoint";
