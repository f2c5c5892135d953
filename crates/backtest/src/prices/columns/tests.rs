//! Parquet of every type that prices are kept in, whole and damaged.

use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::prices::Series;
use crate::prices::tests::{Desk, START_MS, klines};

/// Values of a column, null where there is none.
#[derive(Clone)]
enum Values {
    Int(Vec<Option<i32>>),
    Long(Vec<Option<i64>>),
    Float(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Fixed(Vec<Option<Vec<u8>>>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::Long(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bytes(values) | Self::Fixed(values) => values.len(),
        }
    }

    fn write(&self, rows: std::ops::Range<usize>, column: &mut SerializedColumnWriter<'_>) {
        match self {
            Self::Int(values) => write::<Int32Type>(&values[rows], column),
            Self::Long(values) => write::<Int64Type>(&values[rows], column),
            Self::Float(values) => write::<FloatType>(&values[rows], column),
            Self::Double(values) => write::<DoubleType>(&values[rows], column),
            Self::Bytes(values) => {
                let values: Vec<_> =
                    values[rows].iter().cloned().map(|bytes| bytes.map(ByteArray::from)).collect();
                write::<ByteArrayType>(&values, column);
            }
            Self::Fixed(values) => {
                let fixed = |bytes: Vec<u8>| FixedLenByteArray::from(ByteArray::from(bytes));
                let values: Vec<_> = values[rows].iter().cloned().map(|bytes| bytes.map(fixed)).collect();
                write::<FixedLenByteArrayType>(&values, column);
            }
        }
    }
}

fn write<T: DataType>(values: &[Option<T::T>], column: &mut SerializedColumnWriter<'_>) {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<T::T> = values.iter().flatten().cloned().collect();
    column.typed::<T>().write_batch(&present, Some(&levels), None).expect("a column");
}

/// A file of optional columns: name and type as a schema has them, and the values.
fn file(columns: &[(&str, Values)], group_rows: usize, compression: Compression) -> Vec<u8> {
    let types: Vec<String> = columns.iter().map(|(column, _)| format!("optional {column};")).collect();
    let schema = parse_message_type(&format!("message prices {{ {} }}", types.concat())).expect("a schema");
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut out =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).expect("a file");
    let rows = columns[0].1.len();
    for from in (0..rows).step_by(group_rows) {
        let mut group = out.next_row_group().expect("a group");
        for (_, values) in columns {
            let mut column = group.next_column().expect("a column").expect("one for each");
            values.write(from..rows.min(from + group_rows), &mut column);
            column.close().expect("a column");
        }
        group.close().expect("a group");
    }
    out.into_inner().expect("a file")
}

fn times(rows: i64, of_ms: i64, close_ms: i64) -> Values {
    Values::Long((0..rows).map(|row| Some((START_MS + row * 60_000 + close_ms) * of_ms)).collect())
}

/// The prices of `klines` as so many thousandths.
fn thousandths(rows: i64) -> impl Iterator<Item = i64> {
    (0..rows).map(|row| 1000 + row)
}

fn doubles(rows: i64) -> Values {
    Values::Double(thousandths(rows).map(|price| Some(price as f64 / 1000.0)).collect())
}

/// Klines whose times and prices are of these types.
fn bars(rows: i64, time: (&str, i64), price: (&str, &Values)) -> Vec<(String, Values)> {
    let mut columns = vec![(time.0.replace('*', "open_time"), times(rows, time.1, 0))];
    columns
        .extend(["open", "high", "low", "close"].map(|name| (price.0.replace('*', name), price.1.clone())));
    columns.push(("double volume".to_owned(), Values::Double(vec![Some(5.0); rows as usize])));
    columns.push((time.0.replace('*', "close_time"), times(rows, time.1, 59_999)));
    columns
}

fn borrowed(columns: &[(String, Values)]) -> Vec<(&str, Values)> {
    columns.iter().map(|(name, values)| (name.as_str(), values.clone())).collect()
}

fn plain(rows: i64) -> Vec<(String, Values)> {
    bars(rows, ("int64 *", 1), ("double *", &doubles(rows)))
}

fn packed(columns: &[(String, Values)]) -> Vec<u8> {
    file(&borrowed(columns), usize::MAX >> 1, Compression::SNAPPY)
}

fn load(bytes: &[u8]) -> Series {
    Desk::new(&[("A-1m.parquet", bytes)]).load("A").expect("prices")
}

fn fails(columns: &[(String, Values)]) -> String {
    Desk::new(&[("A.parquet", &packed(columns))]).fails("A")
}

fn same(found: &Series, expect: &Series, what: &str) {
    assert_eq!((&found.times, found.spacing_ns), (&expect.times, expect.spacing_ns), "{what}");
    for (found, expect) in
        [(&found.opens, &expect.opens), (&found.highs, &expect.highs), (&found.closes, &expect.closes)]
    {
        assert_eq!(found, expect, "{what}");
    }
}

#[test]
fn every_type_gives_the_prices_of_csv() {
    let rows = 40;
    let expect = Desk::new(&[("A.csv", klines(0..rows).as_bytes())]).load("A").expect("prices");
    let digits = |price: i64| Some(price.to_be_bytes().to_vec());
    let texts = (0..rows).map(|row| Some(format!("1.{row:03}").into_bytes())).collect();
    let long = Values::Long(thousandths(rows).map(|price| Some(price * 1000)).collect());
    let prices = [
        ("double *", doubles(rows)),
        ("float *", Values::Float(thousandths(rows).map(|price| Some(price as f32 / 1000.0)).collect())),
        ("binary * (STRING)", Values::Bytes(texts)),
        ("int64 * (DECIMAL(18,6))", long),
        ("int32 * (DECIMAL(9,3))", Values::Int(thousandths(rows).map(|price| Some(price as i32)).collect())),
        ("binary * (DECIMAL(30,3))", Values::Bytes(thousandths(rows).map(digits).collect())),
        ("fixed_len_byte_array(8) * (DECIMAL(18,3))", Values::Fixed(thousandths(rows).map(digits).collect())),
    ];
    for price in &prices {
        let series = load(&packed(&bars(rows, ("int64 *", 1), (price.0, &price.1))));
        same(&series, &expect, price.0);
    }
    // Digits are those of the source: six places, and the shortest of a double.
    let opens = |(name, values): &(&str, Values)| {
        load(&packed(&bars(rows, ("int64 *", 1), (name, values)))).opens[0].to_string()
    };
    assert_eq!((opens(&prices[3]), opens(&prices[0])), ("1.000000".to_owned(), "1".to_owned()));
    for time in [
        ("int64 *", 1),
        ("int64 *", 1000),
        ("int64 *", 1_000_000),
        ("int64 * (TIMESTAMP(MILLIS,true))", 1),
        ("int64 * (TIMESTAMP(MICROS,false))", 1000),
        ("int64 * (TIMESTAMP(NANOS,true))", 1_000_000),
        ("int64 * (TIMESTAMP_MILLIS)", 1),
        ("int64 * (TIMESTAMP_MICROS)", 1000),
        ("int64 * (INTEGER(64,false))", 1),
    ] {
        same(&load(&packed(&bars(rows, time, ("double *", &doubles(rows))))), &expect, time.0);
        // The length of a single bar is what it says, whatever its unit.
        let one = load(&packed(&bars(1, time, ("double *", &doubles(1)))));
        assert_eq!(one.spacing_ns, 60_000_000_000, "{time:?}");
    }
}

#[test]
fn groups_batches_and_compressions_make_no_difference() {
    let rows = 5000;
    let columns = plain(rows);
    let expect = load(&packed(&columns));
    assert_eq!(expect.times.len(), 5000);
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).expect("a level"));
    let gzip = Compression::GZIP(GzipLevel::try_new(1).expect("a level"));
    for (group, compression) in [
        (usize::MAX >> 1, Compression::UNCOMPRESSED),
        (1, Compression::UNCOMPRESSED),
        (1024, zstd),
        (1500, gzip),
        (4999, Compression::LZ4_RAW),
        (999, Compression::LZ4),
    ] {
        let rows = if group == 1 { 30 } else { rows };
        let (columns, expect) = if group == 1 {
            (plain(rows), load(&packed(&plain(rows))))
        } else {
            (columns.clone(), expect.clone())
        };
        same(
            &load(&file(&borrowed(&columns), group, compression)),
            &expect,
            &format!("{group} {compression:?}"),
        );
    }
}

#[test]
fn columns_are_found_by_name_wherever_they_stand() {
    let mut columns = plain(10);
    let expect = load(&packed(&columns));
    columns.reverse();
    for (at, (column, _)) in columns.iter_mut().enumerate() {
        let (kind, name) = column.split_once(' ').expect("type and name");
        let name = match (at, name) {
            (0, _) => "CloseTime".to_owned(),
            (_, "open_time") => "Open_time".to_owned(),
            (_, name) => name.to_uppercase(),
        };
        *column = format!("{kind} {name}");
    }
    columns.insert(3, ("binary quote_asset_volume (STRING)".to_owned(), Values::Bytes(vec![None; 10])));
    same(&load(&packed(&columns)), &expect, "other names");

    columns[0].0 = "int64 closed".to_owned();
    assert_eq!(fails(&columns), format!("A.parquet: no column `closetime`: {NAMES}"));
    columns[0].0 = "int64 closetime".to_owned();
    columns.push(("int64 close_time".to_owned(), columns[0].1.clone()));
    assert_eq!(fails(&columns), "A.parquet: `closetime` or `close_time`: which column is it?");
    columns.pop();
    columns[0].0 = "int64 closetime (TIME(MICROS,true))".to_owned();
    assert!(
        fails(&columns).starts_with("A.parquet: column `closetime` is INT64 (Time("),
        "{}",
        fails(&columns)
    );
}

#[test]
fn trades_have_other_columns() {
    let columns = [
        ("int64 agg_trade_id", Values::Long(vec![Some(7), Some(8)])),
        ("double price", Values::Double(vec![Some(0.062_15), Some(1e-8)])),
        ("double quantity", Values::Double(vec![Some(10.0), Some(0.5)])),
        (
            "int64 timestamp (TIMESTAMP(NANOS,false))",
            Values::Long(vec![Some(START_MS * 1_000_000 + 1), Some(START_MS * 1_000_000 + 7)]),
        ),
    ];
    let bytes = file(&columns, 2, Compression::SNAPPY);
    let series = Desk::new(&[("A-aggTrades-2021-04-02.parquet", &bytes)]).load("A").expect("prices");
    assert_eq!(series.times, [START_MS * 1_000_000 + 1, START_MS * 1_000_000 + 7]);
    assert_eq!(series.opens.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0.06215", "0.00000001"]);
}

#[test]
fn rows_are_held_to_what_those_of_csv_are_held_to() {
    let with = |name: &str, values: Values| {
        let mut columns = plain(3);
        let at = columns.iter().position(|(column, _)| column.ends_with(&format!(" {name}")));
        columns[at.expect("a column")].1 = values;
        fails(&columns)
    };
    let double = |values: [Option<f64>; 3]| Values::Double(values.to_vec());
    assert_eq!(
        with("open", double([Some(1.0), None, Some(1.0)])),
        "A.parquet:2: `open` is \"\", which is not a number"
    );
    assert_eq!(
        with("open", double([Some(1.0), Some(f64::NAN), None])),
        "A.parquet:2: `open` is \"NaN\", which is not a number"
    );
    assert_eq!(
        with("close", double([Some(1.0), Some(1.001), Some(0.0)])),
        "A.parquet:3: `close` is 0, and a price is above 0"
    );
    assert_eq!(with("volume", double([Some(-1.0); 3])), "A.parquet:1: `volume` is -1, below 0");
    let first = START_MS;
    let unsorted = Values::Long(vec![Some(first), Some(first - 60_000), Some(first + 60_000)]);
    assert_eq!(with("open_time", unsorted), "A.parquet:2: not sorted: 60000 ms before the row above it");
    let seconds = Values::Long(vec![Some(first / 1000); 3]);
    assert!(with("open_time", seconds).starts_with("A.parquet:1: `open_time` is 1617321600: a time"));
    let (csv, parquet) = (klines(2..6), packed(&plain(3)));
    let desk = Desk::new(&[("A-1.parquet", &parquet), ("A-2.csv", csv.as_bytes())]);
    assert!(desk.fails("A").starts_with("A-1.parquet and A-2.csv: the files overlap in time"));
    let desk = Desk::new(&[("A-1m-2021-05.parquet", &parquet)]);
    assert!(
        desk.fails("A").starts_with("A-1m-2021-05.parquet:1: 2021-04-02T00:00:00.000Z is not in 2021-05")
    );
}

#[test]
fn decimals_are_exact() {
    let text = |number: i128, places: usize| {
        let mut out = Vec::new();
        decimal(number, places, &mut out);
        String::from_utf8(out).expect("digits")
    };
    assert_eq!(text(-5, 3), "-0.005");
    assert_eq!(text(i128::MIN, 0), i128::MIN.to_string());
    let of = |digits: &[u8]| {
        let mut out = Vec::new();
        bytes(digits, Meaning::Decimal(2), &mut out);
        String::from_utf8(out).expect("digits")
    };
    assert_eq!([of(&[]), of(&[0xff]), of(&[0; 40]), of(&[0xff; 32])], ["0.00", "-0.01", "0.00", "-0.01"]);
    let mut wide = [0; 17];
    wide[1] = 0x80;
    assert_eq!(of(&wide), "a decimal of more than 38 digits");
}

#[test]
fn a_damaged_file_is_told_and_never_a_panic() {
    let whole = file(&borrowed(&plain(40)), 16, Compression::SNAPPY);
    let desk = |bytes: &[u8]| Desk::new(&[("A.parquet", bytes)]);
    for bytes in [b"".as_slice(), b"PAR1", b"PAR1PAR1", klines(0..3).as_bytes()] {
        assert!(desk(bytes).fails("A").starts_with("A.parquet: not Parquet, or incomplete: "));
    }
    for end in (0..whole.len()).step_by(97) {
        assert!(desk(&whole[..end]).load("A").is_err(), "{end} bytes");
    }
    let mut bytes = whole.clone();
    for at in (0..whole.len()).step_by(3) {
        bytes[at] ^= 1 << (at % 8);
        // A changed price is a price; what counts is that it comes to an end.
        drop(desk(&bytes).load("A"));
        bytes[at] = whole[at];
    }
    let nothing = packed(&plain(0));
    assert_eq!(desk(&nothing).fails("A"), "A.parquet: no rows");
}
