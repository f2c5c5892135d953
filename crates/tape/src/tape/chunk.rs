//! The records of a chunk.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use mcap::records::op;
use zstd::bulk::Decompressor;

use super::{DECISIONS, ENDPOINT_KEY, EVENTS, FRAMES, MAX_CHUNK_BYTES, ORIGIN_KEY, Origin, Record};

/// Channels of a tape; there is one a topic, and one more for each further origin of frames.
const MAX_CHANNELS: usize = 256;
/// The longest topic, key or value of a channel, bytes.
const MAX_NAME_BYTES: usize = 4096;

/// The chunk that is being read, and the channels that the chunks before it have declared.
#[derive(Default)]
pub(super) struct Chunk {
    records: Vec<u8>,
    at: usize,
    decompressor: Option<Decompressor<'static>>,
    channels: BTreeMap<u16, Channel>,
    /// Of the next record.
    sequence: u32,
}

/// Where a record stands in the chunk.
pub(super) struct Place {
    channel_id: u16,
    pub(super) log_ns: i64,
    publish_ns: i64,
    bytes: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
enum Channel {
    Frames(Origin),
    Events,
    Decisions,
    Unknown(Arc<str>),
}

/// Why a chunk is not what was written.
#[derive(Debug)]
pub(super) enum Fault {
    /// It ends within one of its parts.
    Short,
    /// Its records are compressed in an unknown way.
    Compression,
    /// It gives a length beyond that of any chunk.
    TooLong(u64),
    /// It cannot be decompressed.
    Packed,
    /// Its length is not the one it gives.
    Length,
    /// Its checksum is wrong.
    Sum,
    /// A record is of a channel that was not declared.
    NoChannel(u16),
    /// A channel is declared that cannot exist.
    Channel(u16),
    /// A record does not follow the one before it.
    Order {
        /// What it is.
        is: u32,
        /// What it should be.
        should_be: u32,
    },
    /// A record is of a kind that does not stand in a chunk.
    Opcode(u8),
    /// A time is later than the year 2262.
    Time,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("a chunk ends within a record"),
            Self::Compression => f.write_str("a chunk is compressed in an unknown way"),
            Self::TooLong(bytes) => write!(f, "a chunk says that it has {bytes} bytes"),
            Self::Packed => f.write_str("a chunk cannot be decompressed"),
            Self::Length => f.write_str("a chunk is not as long as it says"),
            Self::Sum => f.write_str("the checksum of a chunk is wrong"),
            Self::NoChannel(id) => write!(f, "a record is of channel {id}, which was not declared"),
            Self::Channel(id) => write!(f, "channel {id} is not a channel of a tape"),
            Self::Order { is, should_be } => {
                write!(f, "record {is} stands where {should_be} should: records are missing or moved")
            }
            Self::Opcode(opcode) => write!(f, "a chunk holds a record of kind {opcode:#04x}"),
            Self::Time => f.write_str("a record has an impossible time"),
        }
    }
}

impl Chunk {
    /// Reads the body of a chunk record; it yields records only if all of it is as it was written.
    pub(super) fn load(&mut self, body: &[u8]) -> Result<(), Fault> {
        self.records.clear();
        self.at = 0;
        let mut fields = Fields(body);
        // The times of its first and last record, which the records say too.
        fields.split(16)?;
        let (bytes, sum) = (fields.long()?, fields.int()?);
        let (compression, packed_bytes) = (fields.text()?, fields.long()?);
        if fields.0.len() as u64 != packed_bytes {
            return Err(Fault::Length);
        }
        // Checked before memory is reserved: the length is what the file claims.
        let room = usize::try_from(bytes).ok().filter(|room| *room <= MAX_CHUNK_BYTES);
        let room = room.ok_or(Fault::TooLong(bytes))?;
        match compression {
            "" => self.records.extend_from_slice(fields.0),
            "zstd" => self.unpack(fields.0, room)?,
            _ => return Err(Fault::Compression),
        }
        let is_right = self.records.len() == room;
        let is_whole = is_right && crc32fast::hash(&self.records) == sum;
        if !is_whole {
            self.records.clear();
            return Err(if is_right { Fault::Sum } else { Fault::Length });
        }
        Ok(())
    }

    /// The next record of a topic; none at the end of the chunk.
    pub(super) fn next(&mut self) -> Result<Option<Place>, Fault> {
        while let Some(rest) = self.records.get(self.at..).filter(|rest| !rest.is_empty()) {
            let mut fields = Fields(rest);
            let opcode = fields.byte()?;
            let length = usize::try_from(fields.long()?).map_err(|_too_long| Fault::Short)?;
            let body = fields.split(length)?;
            let end = self.records.len() - fields.0.len();
            self.at = end;
            match opcode {
                op::MESSAGE => return self.message(end - length..end).map(Some),
                op::CHANNEL => {
                    let (id, channel) = channel(body)?;
                    // MCAP lets a writer repeat a channel; one that changes would give its earlier records another
                    // meaning.
                    let is_new = self.channels.get(&id).is_none_or(|known| *known == channel);
                    if !is_new || self.channels.len() >= MAX_CHANNELS {
                        return Err(Fault::Channel(id));
                    }
                    self.channels.insert(id, channel);
                }
                opcode => return Err(Fault::Opcode(opcode)),
            }
        }
        Ok(None)
    }

    /// Forgets what has not been read.
    pub(super) fn clear(&mut self) {
        self.records = Vec::new();
        self.at = 0;
    }

    /// The record at this place.
    pub(super) fn record(&self, place: &Place) -> Record<'_> {
        let bytes = self.records.get(place.bytes.clone()).unwrap_or_default();
        let at_ns = place.log_ns;
        match self.channels.get(&place.channel_id) {
            Some(Channel::Frames(origin)) => {
                Record::Frame { origin, recv_ns: at_ns, sent_ns: place.publish_ns, bytes }
            }
            Some(Channel::Events) => Record::Event { at_ns, json: bytes },
            Some(Channel::Decisions) => Record::Decision { at_ns, line: bytes },
            Some(Channel::Unknown(topic)) => Record::Unknown { topic, at_ns, bytes },
            None => Record::Unknown { topic: "", at_ns, bytes },
        }
    }

    fn message(&mut self, body: Range<usize>) -> Result<Place, Fault> {
        let mut fields = Fields(self.records.get(body.clone()).unwrap_or_default());
        let channel_id = fields.short()?;
        let (is, log_ns, publish_ns) = (fields.int()?, fields.long()?, fields.long()?);
        // A whole chunk that is missing damages no checksum: only the numbers show it.
        if is != self.sequence {
            return Err(Fault::Order { is, should_be: self.sequence });
        }
        if !self.channels.contains_key(&channel_id) {
            return Err(Fault::NoChannel(channel_id));
        }
        let time = |ns| i64::try_from(ns).map_err(|_too_late| Fault::Time);
        let (log_ns, publish_ns) = (time(log_ns)?, time(publish_ns)?);
        // Only after all checks, so that a refused record does not count as read.
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = body.end - fields.0.len()..body.end;
        Ok(Place { channel_id, log_ns, publish_ns, bytes })
    }

    fn unpack(&mut self, packed: &[u8], room: usize) -> Result<(), Fault> {
        let decompressor = match &mut self.decompressor {
            Some(decompressor) => decompressor,
            none => none.insert(Decompressor::new().map_err(|_no_memory| Fault::Packed)?),
        };
        self.records.reserve_exact(room);
        // It fills the room there is, and fails if the chunk is longer than that.
        let unpacked = decompressor.decompress_to_buffer(packed, &mut self.records);
        unpacked.map(drop).map_err(|_damaged| Fault::Packed)
    }
}

/// Reads a channel record: its id and its contents.
fn channel(body: &[u8]) -> Result<(u16, Channel), Fault> {
    let mut fields = Fields(body);
    let (id, _schema) = (fields.short()?, fields.short()?);
    let (topic, _encoding) = (fields.text()?, fields.text()?);
    let length = fields.int()?;
    let mut says = Fields(fields.split(length as usize)?);
    let (mut origin, mut endpoint) = (None, "");
    while !says.0.is_empty() {
        match (says.text()?, says.text()?) {
            (ORIGIN_KEY, value) => origin = Some(value),
            (ENDPOINT_KEY, value) => endpoint = value,
            // Members that other versions add are ignored.
            _ => {}
        }
    }
    let channel = match topic {
        FRAMES => {
            let origin = origin.and_then(|origin| Origin::parse(origin, endpoint));
            Channel::Frames(origin.ok_or(Fault::Channel(id))?)
        }
        EVENTS => Channel::Events,
        DECISIONS => Channel::Decisions,
        topic => Channel::Unknown(topic.into()),
    };
    Ok((id, channel))
}

/// Little-endian fields, one after the other.
pub(super) struct Fields<'b>(pub(super) &'b [u8]);

impl<'b> Fields<'b> {
    fn split(&mut self, bytes: usize) -> Result<&'b [u8], Fault> {
        let (head, rest) = self.0.split_at_checked(bytes).ok_or(Fault::Short)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Fault::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    fn short(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn int(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'b str, Fault> {
        let length = self.int()? as usize;
        if length > MAX_NAME_BYTES {
            return Err(Fault::Short);
        }
        std::str::from_utf8(self.split(length)?).map_err(|_no_text| Fault::Short)
    }
}
