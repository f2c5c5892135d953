//! Frames as a Parquet table, a row each.

use std::borrow::Cow;
use std::fs::File;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde::Deserialize;
use serde_json::value::RawValue;
use stoop::model::{Bad, Event};
use stoop::tape::Record;
use stoop::wire::Decoder;

use super::select::{author, decoder};

/// Times are Unix ns; what a frame does not say is null; of a batch its first element counts.
const SCHEMA: &str = "message frames {
    required int64 log_time (TIMESTAMP(NANOS,true));
    required int64 publish_time (TIMESTAMP(NANOS,true));
    required binary origin (STRING);
    optional binary t (STRING);
    optional binary op (STRING);
    optional binary tweet_id (STRING);
    optional binary author (STRING);
    optional binary text (STRING);
    required binary raw;
}";
/// A group of rows is written when it has so many, or so many bytes of frames.
const GROUP_ROWS: usize = 1 << 16;
const GROUP_BYTES: usize = 64 << 20;

/// Writes the table, a group of rows at a time.
pub(super) struct Table {
    out: SerializedFileWriter<File>,
    decoder: Decoder,
    rows: Vec<Row>,
    bytes: usize,
    count: u64,
}

#[derive(Default)]
struct Row {
    log_ns: i64,
    publish_ns: i64,
    origin: String,
    family: Option<String>,
    op: Option<String>,
    tweet_id: Option<String>,
    author: Option<String>,
    text: Option<String>,
    raw: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope<'j> {
    #[serde(borrow)]
    t: Option<Cow<'j, str>>,
    #[serde(borrow)]
    op: Option<Cow<'j, str>>,
}

impl Table {
    pub(super) fn over(file: File) -> Result<Self, ParquetError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?)).build();
        let out = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
        Ok(Self { out, decoder: decoder(), rows: Vec::new(), bytes: 0, count: 0 })
    }

    /// Adds a row if the record is a frame.
    pub(super) fn add(&mut self, record: &Record<'_>) -> Result<(), ParquetError> {
        let Record::Frame { origin, recv_ns, sent_ns, bytes } = *record else { return Ok(()) };
        let mut row = Row {
            log_ns: recv_ns,
            publish_ns: sent_ns,
            origin: origin.to_string(),
            raw: bytes.to_vec(),
            ..Row::default()
        };
        let mut is_first = true;
        self.decoder.decode(bytes, |element: Result<&mut Event, Bad>| {
            if let (true, Ok(event)) = (std::mem::take(&mut is_first), element) {
                row.tweet_id = event.op.is_tweet().then(|| event.tweet_id.to_string());
                row.author = author(event);
                row.text = event.post.with(&event.strings).text().map(str::to_owned);
            }
        });
        if let Some(Envelope { t, op }) = envelope(bytes) {
            (row.family, row.op) = (t.map(Cow::into_owned), op.map(Cow::into_owned));
        }
        self.bytes += bytes.len();
        self.rows.push(row);
        if self.rows.len() >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.group() } else { Ok(()) }
    }

    /// Ends the file; says how many rows it has.
    pub(super) fn finish(mut self) -> Result<u64, ParquetError> {
        self.group()?;
        self.out.close()?;
        Ok(self.count)
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        self.count += rows.len() as u64;
        let mut group = self.out.next_row_group()?;
        let times = |time: fn(&Row) -> i64| rows.iter().map(time).collect::<Vec<_>>();
        column::<Int64Type>(&mut group, &times(|row| row.log_ns), None)?;
        column::<Int64Type>(&mut group, &times(|row| row.publish_ns), None)?;
        texts(&mut group, rows.iter().map(|row| Some(row.origin.as_bytes())), false)?;
        let members: [fn(&Row) -> &Option<String>; 5] =
            [|row| &row.family, |row| &row.op, |row| &row.tweet_id, |row| &row.author, |row| &row.text];
        for member in members {
            texts(&mut group, rows.iter().map(|row| member(row).as_deref().map(str::as_bytes)), true)?;
        }
        texts(&mut group, rows.iter().map(|row| Some(row.raw.as_slice())), false)?;
        group.close()?;
        Ok(())
    }
}

/// A column of texts, of which those that are optional may be missing.
fn texts<'r>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: impl Iterator<Item = Option<&'r [u8]>> + Clone,
    is_optional: bool,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = values.clone().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<ByteArray> = values.flatten().map(ByteArray::from).collect();
    column::<ByteArrayType>(group, &present, is_optional.then_some(&levels))
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    levels: Option<&Vec<i16>>,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("the schema has a column for each that is written");
    column.typed::<T>().write_batch(values, levels.map(Vec::as_slice), None)?;
    column.close()
}

/// Family and operation of a frame as it names them.
fn envelope(frame: &[u8]) -> Option<Envelope<'_>> {
    if let Ok(envelope) = serde_json::from_slice(frame) {
        return Some(envelope);
    }
    let batch: Vec<&RawValue> = serde_json::from_slice(frame).ok()?;
    serde_json::from_str(batch.first()?.get()).ok()
}
