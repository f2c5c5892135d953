//! Reads TOML with the place of every key and value, so that an error names file, line and column.

use std::fmt;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A value of each key that is easily written as something else, for errors to show.
const EXAMPLES: [(&str, &str); 23] = [
    ("all", "[\"perpetual\"]"),
    ("any", "[\"will list\"]"),
    ("any_of", "[{ any = [\"hacked\"] }]"),
    ("assets", "{ tokens = true }"),
    ("authors", "[\"@binance\"]"),
    ("cooldown", "\"24h\""),
    ("emit", "[\"binance:DOGEUSDT\"]"),
    ("except", "[\"BTC\"]"),
    ("in", "[\"first_line\"]"),
    ("kinds", "[\"post\"]"),
    ("max_age", "\"10s\""),
    ("none", "[\"delist*\"]"),
    ("on", "[\"content\"]"),
    ("only", "[\"EDGE\"]"),
    ("params", "{ max_slippage_bps = 80 }"),
    ("platforms", "[\"twitter\"]"),
    ("rules", "[\"rules/starter.toml\"]"),
    ("settle", "\"3s\""),
    ("terms", "[\"doge\", \"dogecoin\"]"),
    ("ttl", "\"20s\""),
    ("verified", "[\"business\"]"),
    ("wait", "\"800ms\""),
    ("written", "[\"parentheses\"]"),
];

/// `, such as` and an example, where there is one.
fn such_as(key: &str) -> String {
    let example = EXAMPLES.iter().find(|(name, _)| *name == key);
    example.map_or(String::new(), |(_, example)| format!(", such as {example}"))
}

/// A TOML text and what to call it in errors.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the file, as the user would write it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Something in a TOML file that is not right. Shown as `file:line:column: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and where possible what would be right.
    pub message: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for SyntaxError {}

impl Source {
    /// Parses the text.
    pub fn parse(&self) -> Result<Spanned<DeTable<'_>>, SyntaxError> {
        DeTable::parse(&self.text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            self.error(start, error.message().to_owned())
        })
    }

    /// An error at a byte of the text.
    pub fn error(&self, byte: usize, message: String) -> SyntaxError {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        SyntaxError {
            file: self.name.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message,
        }
    }
}

/// One table of a source, read key by key.
#[derive(Clone, Copy, Debug)]
pub struct Table<'s> {
    source: &'s Source,
    entries: &'s DeTable<'s>,
    start: usize,
}

/// A value with its place.
#[derive(Clone, Copy, Debug)]
pub struct At<'s, T> {
    /// The value.
    pub value: T,
    /// First byte of it in the source.
    pub byte: usize,
    source: &'s Source,
}

impl<'s, T> At<'s, T> {
    /// An error at this value.
    pub fn error(&self, message: impl Into<String>) -> SyntaxError {
        self.source.error(self.byte, message.into())
    }

    fn with<U>(&self, value: U) -> At<'s, U> {
        At { value, byte: self.byte, source: self.source }
    }
}

impl<'s> Table<'s> {
    /// The root of a parsed source.
    pub fn root(source: &'s Source, parsed: &'s Spanned<DeTable<'s>>) -> Self {
        Self { source, entries: parsed.get_ref(), start: parsed.span().start }
    }

    /// An error at the head of the table.
    pub fn error(&self, message: impl Into<String>) -> SyntaxError {
        self.source.error(self.start, message.into())
    }

    /// An error for the first key that is not among `known`.
    pub fn only(&self, known: &[&str]) -> Result<(), SyntaxError> {
        let unknown = self.entries.iter().find(|(key, _)| !known.contains(&key.get_ref().as_ref()));
        let Some((key, _)) = unknown else { return Ok(()) };
        let name = key.get_ref().as_ref();
        let near = known.iter().min_by_key(|known| distance(known, name));
        let hint = match near {
            Some(near) if distance(near, name) <= 2 => format!("; did you mean `{near}`?"),
            Some(_) | None => format!("; known here: {}", known.join(", ")),
        };
        Err(self.source.error(key.span().start, format!("unknown key `{name}`{hint}")))
    }

    /// A key, at the place where it is written.
    pub fn key(&self, key: &str) -> Option<At<'s, &'s str>> {
        let (key, _) = self.entries.get_key_value(key)?;
        Some(At { value: key.get_ref().as_ref(), byte: key.span().start, source: self.source })
    }

    /// The table has this key.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// A string.
    pub fn string(&self, key: &str) -> Result<Option<At<'s, &'s str>>, SyntaxError> {
        let Some(at) = self.get(key) else { return Ok(None) };
        string_of(key, &at).map(Some)
    }

    /// A list of strings.
    pub fn strings(&self, key: &str) -> Result<Option<Vec<At<'s, &'s str>>>, SyntaxError> {
        let Some(at) = self.get(key) else { return Ok(None) };
        let takes = format!("`{key}` takes a list of strings, in brackets{}", such_as(key));
        let Some(list) = at.value.as_array() else { return Err(at.error(takes)) };
        let text_of = |item: At<'s, &'s DeValue<'s>>| match item.value.as_str() {
            Some(text) => Ok(item.with(text)),
            None => Err(item.error(format!("{takes}, not of {}", item.value.type_str()))),
        };
        self.items(list).map(text_of).collect::<Result<_, _>>().map(Some)
    }

    /// True or false.
    pub fn bool(&self, key: &str) -> Result<Option<bool>, SyntaxError> {
        let Some(at) = self.get(key) else { return Ok(None) };
        match at.value.as_bool() {
            Some(value) => Ok(Some(value)),
            None => Err(at.error(format!("`{key}` takes true or false"))),
        }
    }

    /// A whole number of at least 0.
    pub fn count(&self, key: &str) -> Result<Option<At<'s, u64>>, SyntaxError> {
        let Some(at) = self.get(key) else { return Ok(None) };
        let number =
            at.value.as_integer().and_then(|int| u64::from_str_radix(int.as_str(), int.radix()).ok());
        match number {
            Some(number) => Ok(Some(at.with(number))),
            None => Err(at.error(format!("`{key}` takes a whole number of at least 0"))),
        }
    }

    /// A duration such as `"800ms"`, `"5s"` or `"1m30s"`, in ns.
    pub fn duration(&self, key: &str) -> Result<Option<At<'s, i64>>, SyntaxError> {
        let Some(at) = self.string(key)? else { return Ok(None) };
        match parse_duration(at.value) {
            Some(nanos) => Ok(Some(at.with(nanos))),
            None => Err(at.error(format!(
                "`{key}` = \"{}\" is not a duration: write a number and ms, s, m, h or d, such as \"800ms\", \
                 at most 1000d",
                at.value
            ))),
        }
    }

    /// One of a fixed set of names.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>, SyntaxError> {
        self.string(key)?.map(|at| choose(key, &at, choices)).transpose()
    }

    /// A list of names out of a fixed set; not empty.
    pub fn choices<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<Vec<T>>, SyntaxError> {
        let Some(list) = self.strings(key)? else { return Ok(None) };
        if list.is_empty() {
            return Err(self.empty(key));
        }
        list.iter().map(|at| choose(key, at, choices)).collect::<Result<_, _>>().map(Some)
    }

    /// A table.
    pub fn table(&self, key: &str) -> Result<Option<Table<'s>>, SyntaxError> {
        let Some(at) = self.get(key) else { return Ok(None) };
        table_of(key, &at).map(Some)
    }

    /// A list of tables.
    pub fn tables(&self, key: &str) -> Result<Vec<Table<'s>>, SyntaxError> {
        let Some(at) = self.get(key) else { return Ok(Vec::new()) };
        let Some(list) = at.value.as_array() else {
            return Err(at.error(match such_as(key) {
                none if none.is_empty() => format!("`{key}` takes a list of tables: write [[{key}]]"),
                example => format!("`{key}` takes a list of tables{example}"),
            }));
        };
        self.items(list).map(|item| table_of(key, &item)).collect()
    }

    /// The keys in order of writing, with their values.
    pub fn entries(&self) -> impl Iterator<Item = (&'s str, At<'s, &'s DeValue<'s>>)> + use<'s> {
        let source = self.source;
        self.entries.iter().map(move |(key, value)| {
            (key.get_ref().as_ref(), At { value: value.get_ref(), byte: value.span().start, source })
        })
    }

    /// The value of a key, of any type.
    pub fn get(&self, key: &str) -> Option<At<'s, &'s DeValue<'s>>> {
        let value = self.entries.get(key)?;
        Some(At { value: value.get_ref(), byte: value.span().start, source: self.source })
    }

    /// The error for a list that must not be empty.
    pub fn empty(&self, key: &str) -> SyntaxError {
        let byte = self.get(key).map_or(self.start, |at| at.byte);
        self.source.error(byte, format!("`{key}` is empty; leave it out for the default"))
    }

    fn items(&self, list: &'s DeArray<'s>) -> impl Iterator<Item = At<'s, &'s DeValue<'s>>> + use<'s> {
        let source = self.source;
        list.iter().map(move |item| At { value: item.get_ref(), byte: item.span().start, source })
    }
}

fn string_of<'s>(key: &str, at: &At<'s, &'s DeValue<'s>>) -> Result<At<'s, &'s str>, SyntaxError> {
    match at.value.as_str() {
        Some(text) => Ok(at.with(text)),
        None => Err(at.error(format!(
            "`{key}` takes text in quotes{}, not {}",
            such_as(key),
            at.value.type_str()
        ))),
    }
}

fn table_of<'s>(key: &str, at: &At<'s, &'s DeValue<'s>>) -> Result<Table<'s>, SyntaxError> {
    match at.value.as_table() {
        Some(table) => Ok(Table { source: at.source, entries: table, start: at.byte }),
        None => Err(at.error(format!("`{key}` takes a table{}, not {}", such_as(key), at.value.type_str()))),
    }
}

/// Picks a name out of a fixed set.
pub fn choose<T: Copy>(key: &str, at: &At<'_, &str>, choices: &[(&str, T)]) -> Result<T, SyntaxError> {
    let known = choices.iter().find(|(name, _)| *name == at.value);
    known.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        at.error(format!("`{key}` does not know \"{}\"; it is one of {}", at.value, names.join(", ")))
    })
}

/// Reads a duration, in ns; none if the text is not a duration, or longer than 1000 days.
pub fn parse_duration(text: &str) -> Option<i64> {
    const LIMIT_NS: i64 = 1000 * 86_400 * 1_000_000_000;
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, next) = after.split_at(letters);
        let unit_ns: i64 = match unit {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return None,
        };
        total = number.parse::<i64>().ok()?.checked_mul(unit_ns)?.checked_add(total)?;
        rest = next;
    }
    (!text.is_empty() && total <= LIMIT_NS).then_some(total)
}

/// Number of single-letter changes between two names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let next = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expect) in [
            ("800ms", Some(800_000_000)),
            ("5s", Some(5_000_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("24h", Some(86_400_000_000_000)),
            ("0s", Some(0)),
            ("1000d", Some(86_400_000_000_000_000)),
            ("1001d", None),
            ("", None),
            ("5", None),
            ("s", None),
            ("-5s", None),
            ("5 s", None),
            ("1.5s", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(parse_duration(text), expect, "{text:?}");
        }
    }

    #[test]
    fn errors_name_line_and_column() {
        let source = Source { name: "r.toml".into(), text: "a = 1\n[t]\nβ = 2\nnaem = \"x\"\n".into() };
        let error = source.parse().expect_err("bare keys are ASCII");
        assert_eq!((error.line, error.column), (3, 1));
        let source =
            Source { name: "r.toml".into(), text: "a = 1\n[t]\n\"β\" = 'ä'\nnaem = \"x\"\n".into() };
        let parsed = source.parse().expect("valid");
        let root = Table::root(&source, &parsed);
        let table = root.table("t").expect("a table").expect("there");
        let error = table.only(&["name", "β"]).expect_err("unknown key");
        assert_eq!(error.to_string(), "r.toml:4:1: unknown key `naem`; did you mean `name`?");
        assert_eq!(root.string("a").expect_err("a number").column, 5);
        assert_eq!(table.key("naem").map(|key| key.error("").column), Some(1));
        assert!(root.tables("a").is_err() && root.bool("a").is_err() && root.table("a").is_err());
        assert!(table.count("naem").is_err() && table.duration("naem").is_err());
    }
}
