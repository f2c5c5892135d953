//! `outcomes.parquet`: what `outcomes.csv` has, with types.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use rust_decimal::Decimal;

use super::{COLUMNS, Cell, row};
use crate::findings::Findings;
use crate::outcome::PLACES;

/// Prices are texts, because the largest decimal that readers accept, with 38 digits, cannot hold 28 digits on both
/// sides of the point.
const SCHEMA: &str = "message outcomes {
    required binary id (STRING);
    required int64 revision;
    required boolean counts;
    required binary rule (STRING);
    optional binary author (STRING);
    required binary tweet_id (STRING);
    optional binary link (STRING);
    required binary tweet_kind (STRING);
    required binary kind (STRING);
    required binary basis (STRING);
    optional binary evidence (STRING);
    optional binary asset (STRING);
    optional binary series (STRING);
    required binary side (STRING);
    required int64 decided_ns (TIMESTAMP(NANOS,true));
    optional int64 entry_ns (TIMESTAMP(NANOS,true));
    optional binary entry_price (STRING);
    required int64 horizon_ms;
    optional int64 exit_ns (TIMESTAMP(NANOS,true));
    optional binary exit_price (STRING);
    optional fixed_len_byte_array(16) return (DECIMAL(38,12));
    optional fixed_len_byte_array(16) net_return (DECIMAL(38,12));
    optional fixed_len_byte_array(16) adjusted_return (DECIMAL(38,12));
    optional fixed_len_byte_array(16) mfe (DECIMAL(38,12));
    optional fixed_len_byte_array(16) mae (DECIMAL(38,12));
    optional binary cluster (STRING);
    optional binary excluded (STRING);
    optional binary series_by (STRING);
}";
/// Rows of a group, some 2 KiB each until it is written.
const GROUP_ROWS: usize = 1 << 14;

/// Writes the outcomes as Parquet: the rows and columns of [`write_outcomes`](super::write_outcomes) in the same
/// order. Times are timestamps in ns, UTC, returns decimals with 12 places, prices texts with the digits of their
/// source; absent values are null.
pub fn write_outcomes_parquet(findings: &Findings, out: impl Write + Send) -> io::Result<()> {
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?)).build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut out = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    for outcomes in findings.outcomes.chunks(GROUP_ROWS) {
        let rows: Vec<_> =
            outcomes.iter().map(|outcome| row(&findings.events[outcome.event], outcome)).collect();
        let mut group = out.next_row_group()?;
        for place in 0..COLUMNS.len() {
            column(&mut group, rows.iter().map(|row| &row[place]))?;
        }
        group.close()?;
    }
    out.close()?;
    Ok(())
}

/// Writes the next column; its cells have the type that the schema says.
fn column<'c, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: impl Iterator<Item = &'c Cell>,
) -> Result<(), ParquetError> {
    let (mut texts, mut flags, mut numbers, mut returns) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut levels = Vec::new();
    for cell in cells {
        levels.push(i16::from(*cell != Cell::Nothing));
        match cell {
            Cell::Nothing => {}
            Cell::Text(text) => texts.push(ByteArray::from(text.as_str())),
            Cell::Flag(flag) => flags.push(*flag),
            Cell::Number(number) => numbers.push(*number),
            Cell::Return(number) => returns.push(digits(*number)?),
        }
    }
    let mut column = group.next_column()?.expect("the schema has a column for each of the table");
    let levels = Some(levels.as_slice());
    match column.untyped() {
        ColumnWriter::ByteArrayColumnWriter(column) => column.write_batch(&texts, levels, None),
        ColumnWriter::BoolColumnWriter(column) => column.write_batch(&flags, levels, None),
        ColumnWriter::Int64ColumnWriter(column) => column.write_batch(&numbers, levels, None),
        ColumnWriter::FixedLenByteArrayColumnWriter(column) => column.write_batch(&returns, levels, None),
        ColumnWriter::Int32ColumnWriter(_)
        | ColumnWriter::Int96ColumnWriter(_)
        | ColumnWriter::FloatColumnWriter(_)
        | ColumnWriter::DoubleColumnWriter(_) => unreachable!("the schema has no such column"),
    }?;
    column.close()
}

/// A return as a count of its last decimal place.
fn digits(number: Decimal) -> Result<FixedLenByteArray, ParquetError> {
    // The column holds the mantissa alone: another scale would be another number.
    if number.scale() != PLACES {
        return Err(ParquetError::General(format!("{number} has not {PLACES} decimal places")));
    }
    Ok(ByteArray::from(number.mantissa().to_be_bytes().to_vec()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_the_columns_of_the_table() {
        let schema = parse_message_type(SCHEMA).expect("a schema");
        let names: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
        assert_eq!(names, COLUMNS);
    }

    #[test]
    fn a_return_is_never_written_as_another() {
        let of = |text: &str| digits(text.parse().expect("a number"));
        assert_eq!(of("-0.000000000001").expect("12 places").data(), [0xff; 16]);
        assert!(of("0.1").is_err());
        assert!(of("0.0000000000010").is_err());
    }
}
