//! Fields of a view: `[name, frame, value]`.

use serde::{Deserialize, Serialize};
use stoop_engine::{SavedField, SavedValue};
use stoop_model::Key;

use super::{StateError, unknown};

/// Name, place of the frame it is from, value.
#[derive(Serialize, Deserialize)]
pub(super) struct FieldJson(String, u8, ValueJson);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ValueJson {
    Null,
    Number(i64),
    Text(String),
}

pub(super) fn fields_to<K: Key>(fields: Vec<SavedField<K>>) -> Vec<FieldJson> {
    let field = |field: SavedField<K>| {
        let value = match field.value {
            SavedValue::Null => ValueJson::Null,
            SavedValue::Number(number) => ValueJson::Number(number),
            SavedValue::Text(text) => ValueJson::Text(text),
        };
        FieldJson(field.key.name().to_owned(), field.rank, value)
    };
    fields.into_iter().map(field).collect()
}

pub(super) fn fields_from<K: Key>(fields: Vec<FieldJson>) -> Result<Vec<SavedField<K>>, StateError> {
    let field = |FieldJson(name, rank, value): FieldJson| {
        let key = K::ALL.iter().find(|key| key.name() == name).ok_or_else(|| unknown("field", &name))?;
        let value = match value {
            ValueJson::Null => SavedValue::Null,
            ValueJson::Number(number) => SavedValue::Number(number),
            ValueJson::Text(text) => SavedValue::Text(text),
        };
        Ok(SavedField { key: *key, value, rank })
    };
    fields.into_iter().map(field).collect()
}
