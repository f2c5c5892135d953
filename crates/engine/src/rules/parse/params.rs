//! The `params` of a rule, passed through as JSON.

use toml::de::DeValue;

use crate::syntax::{At, SyntaxError, Table};

const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

/// The rule's `params` as compact JSON, members in the order written.
pub(super) fn json_of(table: &Table<'_>) -> Result<String, SyntaxError> {
    let mut out = String::new();
    match table.get("params") {
        None => out.push_str("{}"),
        Some(at) if at.value.is_table() => json(&at, at.value, &mut out)?,
        Some(at) => return Err(at.error("`params` takes a table")),
    }
    Ok(out)
}

fn json(at: &At<'_, &DeValue<'_>>, value: &DeValue<'_>, out: &mut String) -> Result<(), SyntaxError> {
    match value {
        DeValue::String(text) => json_text(text, out),
        DeValue::Integer(int) if int.radix() == 10 => out.push_str(int.as_str().trim_start_matches('+')),
        DeValue::Integer(int) => match i64::from_str_radix(int.as_str(), int.radix()) {
            Ok(number) => out.push_str(&number.to_string()),
            Err(error) => return Err(at.error(format!("a number in `params`: {error}"))),
        },
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => out.push_str(&json_float(float.as_str())),
            Ok(_) | Err(_) => return Err(at.error("JSON has no inf and no nan, so `params` takes none")),
        },
        DeValue::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        DeValue::Datetime(time) => json_text(&time.to_string(), out),
        DeValue::Array(list) => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json(at, item.get_ref(), out)?;
            }
            out.push(']');
        }
        DeValue::Table(table) => {
            out.push('{');
            for (index, (key, item)) in table.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json_text(key.get_ref(), out);
                out.push(':');
                json(at, item.get_ref(), out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// A TOML float as JSON: the same digits, without a leading plus.
fn json_float(text: &str) -> String {
    text.trim_start_matches('+').to_owned()
}

fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => {
                out.push_str("\\u00");
                out.extend([4, 0].map(|shift| HEX[(u32::from(control) >> shift & 15) as usize]));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
