//! Prices as Parquet: the columns that a layout needs, row by row as the texts that CSV would have.

use std::fs::File;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use csv::ByteRecord;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::error::FileError;
use super::row::{KLINE_COLUMNS, TRADE_COLUMNS};

/// Rows that are decoded at a time; besides them a page of each column is in memory.
const BATCH_ROWS: usize = 1024;

/// A column that is needed: its place in a record, and its names, in lower case and without separators.
type Needed = (usize, &'static [&'static str]);

const KLINES: [Needed; 7] = [
    (0, &["opentime"]),
    (1, &["open"]),
    (2, &["high"]),
    (3, &["low"]),
    (4, &["close"]),
    (5, &["volume"]),
    (6, &["closetime"]),
];
const TRADES: [Needed; 3] =
    [(1, &["price"]), (2, &["quantity", "qty"]), (5, &["transacttime", "timestamp", "time"])];
const NAMES: &str = "klines have open_time, open, high, low, close, volume, close_time, \
    aggTrades price, quantity, transact_time";

/// A column of the file.
struct Column {
    /// In the file.
    index: usize,
    /// In a record.
    place: usize,
    /// Definition level of a value that is there.
    present: i16,
    meaning: Meaning,
}

/// The meaning of a stored value.
#[derive(Clone, Copy)]
enum Meaning {
    /// Itself: an integer, a float or a text.
    Plain,
    /// An integer without a sign.
    Unsigned,
    /// A decimal with this many decimal places.
    Decimal(usize),
    /// A time in units of this many ns.
    Time(i64),
}

/// Calls `each` with a record of every row and its number, from 1, until it breaks. A record is as wide as that of
/// the layout in CSV; fields that are null or not needed are empty.
pub(super) fn read_records(
    path: &Path,
    mut each: impl FnMut(&ByteRecord, u64) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    let fail = |what: String| FileError::Parquet { path: path.to_owned(), what };
    let file = File::open(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    let reader = guard(|| SerializedFileReader::new(file))
        .map_err(|what| fail(format!("not Parquet, or incomplete: {what}")))?;
    let (width, columns) = find(reader.metadata().file_metadata().schema_descr()).map_err(fail)?;
    let mut records = vec![ByteRecord::new(); BATCH_ROWS];
    let mut row = 0;
    for group in 0..reader.num_row_groups() {
        let unreadable = |row: u64, what: String| fail(format!("unreadable after row {row}: {what}"));
        let (mut readers, rows) =
            guard(|| open(&reader, group, &columns)).map_err(|what| unreadable(row, what))?;
        let end = row + rows;
        while row < end {
            let count = guard(|| batch(&mut readers, &columns, &mut records, width))
                .map_err(|what| unreadable(row, what))? as u64;
            if count == 0 || row + count > end {
                return Err(unreadable(row, "the number of rows is not what the file says".to_owned()));
            }
            for record in records.iter().take(count as usize) {
                row += 1;
                if !each(record, row)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Decodes. The crate panics on some damage: a column of negative length, a page whose dictionary is missing.
fn guard<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(|error| error.to_string()),
        Err(panic) => Err(stoop_engine::panic_message(panic.as_ref())),
    }
}

/// How wide a record is, and the columns it is made from, in the order of their places.
fn find(schema: &SchemaDescriptor) -> Result<(usize, Vec<Column>), String> {
    let named = |name: &str| {
        let is_it = |column: &ColumnDescriptor| {
            let letters = column.name().chars().filter(|letter| letter.is_alphanumeric());
            column.path().parts().len() == 1 && letters.flat_map(char::to_lowercase).eq(name.chars())
        };
        let found = schema.columns().iter().enumerate();
        found.filter(|(_, column)| is_it(column)).map(|(index, _)| index).collect::<Vec<_>>()
    };
    // By names and not by count: Parquet files often lack the columns that are not used.
    let is_trades = !named("price").is_empty() && named("open").is_empty();
    let (width, needed) =
        if is_trades { (TRADE_COLUMNS[0], &TRADES[..]) } else { (KLINE_COLUMNS, &KLINES[..]) };
    let column = |&(place, names): &Needed| {
        let found = names.iter().map(|name| named(name)).find(|found| !found.is_empty());
        let index = match found.as_deref() {
            None | Some([]) => return Err(format!("no column `{}`: {NAMES}", names[0])),
            Some([index]) => *index,
            Some([first, second, ..]) => {
                let [first, second] = [first, second].map(|index| schema.column(*index));
                return Err(format!("`{}` or `{}`: which column is it?", first.name(), second.name()));
            }
        };
        let column = schema.column(index);
        let meaning = meaning(&column).ok_or_else(|| {
            let (name, kind) = (column.name(), column.physical_type());
            let what = column.logical_type_ref().map(|logical| format!(" ({logical:?})")).unwrap_or_default();
            format!("column `{name}` is {kind}{what}, which is not a number here")
        })?;
        Ok(Column { index, place, present: column.max_def_level(), meaning })
    };
    Ok((width, needed.iter().map(column).collect::<Result<_, _>>()?))
}

/// The meaning of the values of a column; `None` unless they are numbers. Older files have only a converted type.
fn meaning(column: &ColumnDescriptor) -> Option<Meaning> {
    if column.max_rep_level() > 0 {
        return None;
    }
    let scale = || usize::try_from(column.type_scale()).ok().map(Meaning::Decimal);
    match (column.physical_type(), column.logical_type_ref()) {
        (Type::BOOLEAN | Type::INT96, _) => None,
        (Type::FLOAT | Type::DOUBLE, _) | (Type::BYTE_ARRAY, Some(LogicalType::String)) => {
            Some(Meaning::Plain)
        }
        (_, Some(LogicalType::Decimal(_))) => scale(),
        (Type::INT64, Some(LogicalType::Timestamp(time))) => Some(Meaning::Time(match time.unit {
            TimeUnit::MILLIS => 1_000_000,
            TimeUnit::MICROS => 1_000,
            TimeUnit::NANOS => 1,
        })),
        (_, Some(LogicalType::Integer(integer))) if integer.is_signed => Some(Meaning::Plain),
        (_, Some(LogicalType::Integer(_))) => Some(Meaning::Unsigned),
        (_, Some(_)) => None,
        (kind, None) => match column.converted_type() {
            ConvertedType::DECIMAL => scale(),
            ConvertedType::TIMESTAMP_MILLIS => Some(Meaning::Time(1_000_000)),
            ConvertedType::TIMESTAMP_MICROS => Some(Meaning::Time(1_000)),
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Some(Meaning::Unsigned),
            ConvertedType::NONE
            | ConvertedType::UTF8
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64 => (kind != Type::FIXED_LEN_BYTE_ARRAY).then_some(Meaning::Plain),
            ConvertedType::MAP
            | ConvertedType::MAP_KEY_VALUE
            | ConvertedType::LIST
            | ConvertedType::ENUM
            | ConvertedType::DATE
            | ConvertedType::TIME_MILLIS
            | ConvertedType::TIME_MICROS
            | ConvertedType::JSON
            | ConvertedType::BSON
            | ConvertedType::INTERVAL => None,
        },
    }
}

/// A reader for each column of a group, and how many rows it has.
fn open(
    reader: &SerializedFileReader<File>,
    group: usize,
    columns: &[Column],
) -> Result<(Vec<ColumnReader>, u64), ParquetError> {
    let group = reader.get_row_group(group)?;
    let readers =
        columns.iter().map(|column| group.get_column_reader(column.index)).collect::<Result<_, _>>()?;
    Ok((readers, u64::try_from(group.metadata().num_rows())?))
}

/// Decodes the next rows; says how many.
fn batch(
    readers: &mut [ColumnReader],
    columns: &[Column],
    records: &mut [ByteRecord],
    width: usize,
) -> Result<usize, ParquetError> {
    for record in &mut *records {
        record.clear();
    }
    let mut count = None;
    for (reader, column) in readers.iter_mut().zip(columns) {
        let meaning = column.meaning;
        let rows = match reader {
            ColumnReader::Int32ColumnReader(reader) => strip(reader, column, records, |value, out| {
                let is_unsigned = matches!(meaning, Meaning::Unsigned);
                let value = if is_unsigned { i64::from(*value as u32) } else { i64::from(*value) };
                integer(value, meaning, out);
            }),
            ColumnReader::Int64ColumnReader(reader) => {
                strip(reader, column, records, |value, out| integer(*value, meaning, out))
            }
            // The shortest digits that read back as the same float.
            ColumnReader::FloatColumnReader(reader) => {
                strip(reader, column, records, |value, out| put(out, value))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                strip(reader, column, records, |value, out| put(out, value))
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                strip(reader, column, records, |value, out| bytes(value.data(), meaning, out))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                strip(reader, column, records, |value, out| bytes(value.data(), meaning, out))
            }
            ColumnReader::BoolColumnReader(_) | ColumnReader::Int96ColumnReader(_) => {
                unreachable!("such a column has no meaning")
            }
        }?;
        // Values of different rows would be joined to one bar.
        if *count.get_or_insert(rows) != rows {
            return Err(ParquetError::General("columns of different lengths".to_owned()));
        }
    }
    let count = count.unwrap_or_default();
    for record in &mut records[..count] {
        pad(record, width);
    }
    Ok(count)
}

/// Decodes one column of the next rows and writes it into their records; says how many.
fn strip<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    column: &Column,
    records: &mut [ByteRecord],
    write: impl Fn(&T::T, &mut Vec<u8>),
) -> Result<usize, ParquetError> {
    let (mut levels, mut values, mut text) = (Vec::new(), Vec::new(), Vec::new());
    let (rows, _, _) = reader.read_records(records.len(), Some(&mut levels), None, &mut values)?;
    let mut values = values.iter();
    for (row, record) in records.iter_mut().enumerate().take(rows) {
        pad(record, column.place);
        text.clear();
        if column.present == 0 || levels.get(row) == Some(&column.present) {
            let value =
                values.next().ok_or_else(|| ParquetError::General("a value is missing".to_owned()))?;
            write(value, &mut text);
        }
        record.push_field(&text);
    }
    Ok(rows)
}

fn pad(record: &mut ByteRecord, width: usize) {
    while record.len() < width {
        record.push_field(b"");
    }
}

fn put(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("a Vec accepts everything");
}

fn integer(value: i64, meaning: Meaning, out: &mut Vec<u8>) {
    match meaning {
        Meaning::Plain => put(out, value),
        Meaning::Unsigned => put(out, value as u64),
        Meaning::Decimal(places) => decimal(i128::from(value), places, out),
        // A time that does not fit into ns is outside the years that are accepted anyway.
        Meaning::Time(unit_ns) => put(out, value.saturating_mul(unit_ns)),
    }
}

/// A text, or the digits of a decimal as a big-endian number.
fn bytes(bytes: &[u8], meaning: Meaning, out: &mut Vec<u8>) {
    let Meaning::Decimal(places) = meaning else { return out.extend_from_slice(bytes) };
    // Sign extension: the number is in two's complement.
    let fill = if bytes.first().is_some_and(|first| *first >= 0x80) { 0xff } else { 0 };
    let mut number = [fill; 16];
    let (over, low) = bytes.split_at(bytes.len().saturating_sub(number.len()));
    number[16 - low.len()..].copy_from_slice(low);
    let is_whole = over.iter().all(|byte| *byte == fill) && (number[0] >= 0x80) == (fill == 0xff);
    if is_whole {
        decimal(i128::from_be_bytes(number), places, out);
    } else {
        out.extend_from_slice(b"a decimal of more than 38 digits");
    }
}

fn decimal(number: i128, places: usize, out: &mut Vec<u8>) {
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let point = if places == 0 { "" } else { "." };
    put(out, format_args!("{sign}{whole}{point}{fraction}"));
}

#[cfg(test)]
mod tests;
