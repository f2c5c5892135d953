//! `universe.csv` to listings, with the place of everything that is wrong.

use std::borrow::Cow;

use stoop_model::HashMap;
use unicode_normalization::UnicodeNormalization;

use super::{Listing, UNIVERSE_BYTES};
use crate::merge::is_evm;
use crate::rules::shows_nothing;
use crate::syntax::{Source, SyntaxError};

/// Errors that are listed; further ones are counted.
const ERRORS: usize = 100;

/// Columns a file must have, then those it may have.
const COLUMNS: [&str; 5] = ["symbol", "venue", "market", "contract", "chain"];
const REQUIRED: usize = 3;

/// The longest symbol, venue and chain, in characters.
const NAME_CHARS: usize = 32;
/// The longest market, in characters.
const MARKET_CHARS: usize = 64;
/// The longest contract, in characters: Move coins have long ones, such as `0x…::module::NAME`.
const CONTRACT_CHARS: usize = 256;

/// Reads at most this many rows, or reports what is wrong with each bad one.
pub(super) fn listings(name: &str, text: &str, most_rows: usize) -> Result<Vec<Listing>, Vec<SyntaxError>> {
    let mut faults = Faults { file: name, errors: Vec::new(), more: 0, last_line: 0 };
    if text.len() > UNIVERSE_BYTES {
        let what = format!("a universe is at most {UNIVERSE_BYTES} bytes, this is {}", text.len());
        faults.add(1, 1, what);
        return Err(faults.into_errors());
    }
    // Anywhere, comments too: a tape would need six bytes for each.
    let is_odd = |char: char| char.is_ascii_control() && !matches!(char, '\t' | '\n' | '\r');
    if let Some((byte, char)) = text.char_indices().find(|(_, char)| is_odd(*char)) {
        let what = format!("the control character {}; a universe is text in UTF-8", char.escape_unicode());
        let source = Source { name: name.to_owned(), text: text.get(..byte).unwrap_or_default().to_owned() };
        return Err(vec![source.error(byte, what)]);
    }
    let mut lines = Lines { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 0 };
    let Some(columns) = header(&mut lines, &mut faults) else { return Err(faults.into_errors()) };
    let mut listings: Vec<Listing> = Vec::new();
    let mut places: HashMap<(String, String), usize> = HashMap::default();
    for (line, row) in lines {
        if listings.len() >= most_rows {
            faults.add(line, 1, format!("a universe has at most {most_rows} rows"));
            break;
        }
        let Some(listing) = listing(line, row, &columns, &mut faults) else { continue };
        let key = (listing.venue.clone(), listing.market.clone());
        if let Some(first) = places.get(&key) {
            faults.add(line, 1, format!("`{}` of {} stands on line {first} already", key.1, key.0));
        } else {
            places.insert(key, line);
            listings.push(listing);
        }
    }
    if faults.errors.is_empty() { Ok(listings) } else { Err(faults.into_errors()) }
}

/// Collects errors up to a bound.
struct Faults<'n> {
    file: &'n str,
    errors: Vec<SyntaxError>,
    more: usize,
    last_line: usize,
}

impl Faults<'_> {
    fn add(&mut self, line: usize, column: usize, message: String) {
        if self.errors.len() < ERRORS {
            self.errors.push(SyntaxError { file: self.file.to_owned(), line, column, message });
        } else {
            self.more += 1;
            self.last_line = line;
        }
    }

    fn into_errors(mut self) -> Vec<SyntaxError> {
        if self.more > 0 {
            let message = format!("and {} more errors, the last of them on this line", self.more);
            let file = self.file.to_owned();
            self.errors.push(SyntaxError { file, line: self.last_line, column: 1, message });
        }
        self.errors
    }
}

/// The lines that say something, with their numbers.
struct Lines<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Iterator for Lines<'t> {
    type Item = (usize, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
            let (line, after) = self.rest.split_at(end);
            let after = after.strip_prefix('\r').unwrap_or(after);
            self.rest = after.strip_prefix('\n').unwrap_or(after);
            self.line += 1;
            let written = line.trim_start();
            if !written.is_empty() && !written.starts_with('#') {
                return Some((self.line, line));
            }
        }
        None
    }
}

/// One cell, without white space around it, and the column it begins in.
struct Cell<'t> {
    text: Cow<'t, str>,
    column: usize,
}

/// Splits a row at its commas. A cell may be in quotes, as RFC 4180 has them, and ends with its line at the latest.
fn cells(row: &str) -> Result<Vec<Cell<'_>>, (usize, &'static str)> {
    let mut cells = Vec::with_capacity(COLUMNS.len());
    let mut rest = row;
    let (mut counted, mut column) = (0, 1);
    // Places only go on, so that a row is counted once however many cells it has.
    let mut column_of = |tail: &str| {
        let byte = row.len() - tail.len();
        column += row[counted..byte].chars().count();
        counted = byte;
        column
    };
    loop {
        let at = rest.trim_start();
        let column = column_of(at);
        let (text, after) = if let Some(quoted) = at.strip_prefix('"') {
            let Some(end) = closing_quote(quoted) else {
                return Err((column, "the quote that opens here is not closed on this line"));
            };
            let (text, after) = quoted.split_at(end);
            let after = after.strip_prefix('"').unwrap_or(after).trim_start();
            if !after.is_empty() && !after.starts_with(',') {
                return Err((column_of(after), "a closing quote is followed by a comma or nothing"));
            }
            let text = if text.contains('"') { text.replace("\"\"", "\"").into() } else { text.into() };
            (text, after)
        } else {
            let (text, after) = at.split_at(at.find(',').unwrap_or(at.len()));
            (Cow::Borrowed(text.trim_end()), after)
        };
        cells.push(Cell { text, column });
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(cells),
        }
    }
}

/// Where the quoted text ends; a quote within it is written twice.
fn closing_quote(quoted: &str) -> Option<usize> {
    let bytes = quoted.as_bytes();
    let mut at = 0;
    loop {
        at += quoted.get(at..)?.find('"')?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// The place of each column of [`COLUMNS`]; none, with the errors noted, if the header is not one.
fn header(lines: &mut Lines<'_>, faults: &mut Faults<'_>) -> Option<Vec<usize>> {
    const NEEDS: &str = "the first row names the columns: symbol,venue,market and optionally contract,chain";
    let Some((line, row)) = lines.next() else {
        faults.add(1, 1, format!("there is no header; {NEEDS}"));
        return None;
    };
    let named = match cells(row) {
        Ok(named) => named,
        Err((column, what)) => {
            faults.add(line, column, what.to_owned());
            return None;
        }
    };
    let mut columns = Vec::with_capacity(named.len());
    for cell in &named {
        let known = COLUMNS.iter().position(|name| cell.text.eq_ignore_ascii_case(name));
        match known {
            Some(place) if columns.contains(&place) => {
                faults.add(line, cell.column, format!("the column `{}` is named twice", cell.text));
            }
            Some(place) => columns.push(place),
            None if named.len() == 1 && row.contains([';', '\t']) => {
                faults.add(line, cell.column, format!("columns are separated by commas; {NEEDS}"));
                return None;
            }
            None => faults.add(line, cell.column, format!("unknown column `{}`; {NEEDS}", shown(&cell.text))),
        }
    }
    for (place, name) in COLUMNS.iter().enumerate().take(REQUIRED) {
        if !columns.contains(&place) {
            faults.add(line, 1, format!("the column `{name}` is missing; {NEEDS}"));
        }
    }
    faults.errors.is_empty().then_some(columns)
}

/// One row; none, with its errors noted, if it is bad.
fn listing(line: usize, row: &str, columns: &[usize], faults: &mut Faults<'_>) -> Option<Listing> {
    let cells = match cells(row) {
        Ok(cells) => cells,
        Err((column, what)) => {
            faults.add(line, column, what.to_owned());
            return None;
        }
    };
    if cells.len() != columns.len() {
        let what = format!("{} cells, but the header names {} columns", cells.len(), columns.len());
        faults.add(line, 1, what);
        return None;
    }
    let mut texts: [Option<&str>; COLUMNS.len()] = [None; COLUMNS.len()];
    let mut is_good = true;
    for (cell, &place) in cells.iter().zip(columns) {
        match fault(COLUMNS[place], &cell.text) {
            None => texts[place] = Some(&*cell.text).filter(|text| !text.is_empty()),
            Some(what) => {
                faults.add(line, cell.column, what);
                is_good = false;
            }
        }
    }
    let [Some(symbol), Some(venue), Some(market), contract, chain] = texts else { return None };
    is_good.then(|| Listing {
        // Posts are searched in NFKC, so that is how a symbol has to be kept.
        symbol: symbol.nfkc().flat_map(char::to_uppercase).collect(),
        venue: venue.to_lowercase(),
        market: market.to_owned(),
        contract: contract.map(str::to_owned),
        chain: chain.map(str::to_lowercase),
    })
}

/// What is wrong with a cell.
fn fault(column: &str, text: &str) -> Option<String> {
    let longest = match column {
        "market" => MARKET_CHARS,
        "contract" => CONTRACT_CHARS,
        _ => NAME_CHARS,
    };
    if text.is_empty() {
        let is_required = COLUMNS.iter().take(REQUIRED).any(|name| *name == column);
        return is_required.then(|| format!("`{column}` is empty"));
    }
    if text.chars().any(|char| char.is_whitespace() || char.is_control() || shows_nothing(char)) {
        return Some(format!(
            "`{column}` is \"{}\", which has a space or an invisible character",
            shown(text)
        ));
    }
    if text.chars().count() > longest {
        return Some(format!("`{column}` is longer than {longest} characters: \"{}\"", shown(text)));
    }
    match column {
        "symbol" if text.starts_with(['$', '#', '@']) => {
            Some(format!("`symbol` is \"{}\"; write the coin alone, such as EDGE", shown(text)))
        }
        "contract" => contract_fault(text),
        _ => None,
    }
}

/// What is wrong with a contract: one that could never be met, or that many coins would share.
fn contract_fault(text: &str) -> Option<String> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    if hex.bytes().all(|byte| byte == b'0') {
        return Some("`contract` is the zero address, which is not the contract of a coin".to_owned());
    }
    if is_evm(text) {
        return None;
    }
    // Contracts of other chains, with or without the module of a coin after them.
    let address = hex.split("::").next().unwrap_or(hex);
    let is_hex = (1..=64).contains(&address.len()) && address.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_nearly_evm = address == hex && (38..=42).contains(&hex.len());
    (!is_hex || is_nearly_evm).then(|| {
        format!(
            "`contract` is \"{}\": after 0x come 40 hex digits for an EVM contract, or up to 64",
            shown(text)
        )
    })
}

/// A cell as an error shows it: short, and with whatever is not seen spelt out.
fn shown(text: &str) -> String {
    const LONGEST: usize = 48;
    let mut shown = String::new();
    for char in text.chars().take(LONGEST) {
        if char.is_control() || shows_nothing(char) || (char.is_whitespace() && char != ' ') {
            shown.extend(char.escape_unicode());
        } else {
            shown.push(char);
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
