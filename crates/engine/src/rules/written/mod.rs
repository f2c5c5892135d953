//! Coins as texts write them: `$EDGE`, `EDGE/USDT`, `(EDGE)`, a word that the universe lists, a word in capitals.
//!
//! All are searched for in a plain body, before its case is folded, in one pass over its runs of ASCII letters and
//! digits.

mod form;
pub(crate) mod lists;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use form::{Form, Forms};

use super::plain::{CUT, is_word};
use crate::Universe;
use lists::{CONTRACTS, GLUED, GLUED_IF_LISTED, MAJORS, MONEY, QUOTES, UNITS, WORDS, ZONES, is_in};

/// Longest symbol of a coin in any form.
const SYMBOL_MAX: usize = 15;
/// Longest symbol that is trusted; a longer one must be in the universe.
const TRUSTED_MAX: usize = 10;
/// Most runs that are joined to one market name, such as `EDGE-USDT-SWAP`.
const MARKET_RUNS: usize = 3;

/// Longest name of a market, signs included.
const MARKET_MAX: usize = 64;

/// The forms in which coins are searched for, in the whole body and in its first line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sought {
    pub(crate) text: Forms,
    pub(crate) first_line: Forms,
}

/// A coin found in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'t> {
    /// Its symbol, in the case it was written in.
    pub(crate) symbol: &'t str,
    /// The forms in which it stands here, of those that were searched for.
    pub(crate) forms: Forms,
    /// Where, in bytes.
    pub(crate) place: usize,
    /// It stands in the first line.
    pub(crate) is_first_line: bool,
    /// Its form in capitals counts in the whole body, and in the first line: where there is a small letter.
    pub(crate) capitals: [bool; 2],
}

/// Fiat money or a dollar coin: an asset only for rules that name it, unless it is written as a ticker.
pub(crate) fn is_money(symbol: &str) -> bool {
    is_in(&MONEY, symbol)
}

/// Looks at a plain body for coins.
pub(crate) struct Scan<'t> {
    text: &'t str,
    universe: Option<&'t Universe>,
    /// Where the text was cut: what stands right before may be half a word.
    cut: Option<usize>,
    /// The part after the base of the last pair, which is not a coin that the text is about.
    quote: Range<usize>,
}

/// A pair: the symbol of its base, if that is a coin, and the location of the rest.
struct Pair<'t> {
    symbol: Option<&'t str>,
    quote: Range<usize>,
    end: usize,
}

impl<'t> Scan<'t> {
    pub(crate) fn new(text: &'t str, universe: Option<&'t Universe>) -> Self {
        let written = text.trim_end();
        let cut = written.ends_with(CUT).then(|| written.trim_end_matches(CUT).len());
        Self { text, universe, cut, quote: 0..0 }
    }

    /// Passes each coin in one of the wanted forms to `found`, in the order of the text; repeats included.
    pub(crate) fn run(mut self, first_line_end: usize, sought: Sought, mut found: impl FnMut(Found<'t>)) {
        let both = sought.text.or(sought.first_line);
        // The default, and cheap: only dollar signs are looked at.
        if both == Forms::TICKER {
            for (dollar, _) in self.text.match_indices('$') {
                let run = dollar + 1..self.run_end(dollar + 1);
                if self.is_ticker(&run) {
                    let is_first_line = run.end <= first_line_end;
                    let (symbol, place) = (&self.text[run], dollar);
                    found(Found { symbol, forms: Forms::TICKER, place, is_first_line, capitals: [false; 2] });
                }
            }
            return;
        }
        // A post all in capitals writes every word like a coin, so the form says nothing there.
        let has_small = |text: &str| both.contains(Form::Capitals) && text.chars().any(char::is_lowercase);
        let capitals = [has_small(self.text), has_small(&self.text[..first_line_end])];
        let mut from = 0;
        while let Some(at) =
            self.bytes().get(from..).and_then(|rest| rest.iter().position(u8::is_ascii_alphanumeric))
        {
            let run = from + at..self.run_end(from + at);
            from = run.end;
            let is_first_line = run.end <= first_line_end;
            let here = if is_first_line { both } else { sought.text };
            if !here.is_empty() {
                let place = run.start;
                self.look_at(&run, here, &mut |symbol, forms| {
                    found(Found { symbol, forms, place, is_first_line, capitals });
                });
            }
        }
    }

    /// All that one run of letters and digits may be.
    fn look_at(&mut self, run: &Range<usize>, sought: Forms, found: &mut dyn FnMut(&'t str, Forms)) {
        let text = self.text;
        let word = &text[run.clone()];
        let mut forms = Forms::NONE;
        if sought.contains(Form::Ticker) && self.is_ticker(run) {
            forms = forms.with(Form::Ticker);
        }
        if sought.contains(Form::Listed) && self.is_tag(run) {
            forms = forms.with(Form::Listed);
        }
        // A glued pair is the longest: base and quote.
        if is_capital(word) && run.len() <= SYMBOL_MAX * 2 {
            let is_sought = |form| sought.contains(form);
            let pair = self.pair(run);
            // BTC in `FOO/BTC` is not news about BTC, whatever form a rule looks for.
            let is_quote = self.quote.contains(&run.start);
            if is_sought(Form::Parentheses) && pair.is_none() && self.is_in_parentheses(run) {
                forms = forms.with(Form::Parentheses);
            }
            if is_sought(Form::Listed) && !is_quote && self.is_listed_word(run) {
                forms = forms.with(Form::Listed);
            }
            if is_sought(Form::Capitals) && pair.is_none() && self.is_capital_word(run) {
                forms = forms.with(Form::Capitals);
            }
            if let Some(pair) = pair {
                self.quote = pair.quote;
                let symbol = pair.symbol.filter(|_| is_sought(Form::Pair) && !self.is_cut(pair.end));
                if let Some(symbol) = symbol {
                    found(symbol, Forms::NONE.with(Form::Pair));
                }
            }
        }
        if !forms.is_empty() {
            found(word, forms);
        }
    }

    fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    fn byte_before(&self, at: usize) -> Option<u8> {
        self.bytes().get(at.checked_sub(1)?).copied()
    }

    fn letter_before(&self, at: usize) -> Option<char> {
        self.text.get(..at)?.chars().next_back()
    }

    fn letter_after(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    /// Where the run of ASCII letters and digits that begins at `from` ends.
    fn run_end(&self, from: usize) -> usize {
        let rest = self.bytes().get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
    }

    /// The text was cut directly after this place.
    fn is_cut(&self, end: usize) -> bool {
        self.cut == Some(end)
    }

    fn lists(&self, symbol: &str) -> bool {
        self.universe.is_some_and(|universe| universe.lists(symbol))
    }

    /// Nothing beside it makes it part of a longer word.
    fn stands_alone(&self, start: usize, end: usize) -> bool {
        !self.letter_before(start).is_some_and(is_word) && !self.letter_after(end).is_some_and(is_word)
    }

    /// `$` and a symbol.
    fn is_ticker(&self, run: &Range<usize>) -> bool {
        let Some(dollar) = run.start.checked_sub(1).filter(|at| self.bytes().get(*at) == Some(&b'$')) else {
            return false;
        };
        let symbol = &self.text[run.clone()];
        let ends_well = match self.letter_after(run.end) {
            // The contract reads no coin from `$PEPE$WIF`.
            Some('$') => false,
            // `$BRK.B` is a share.
            Some('.') => !self.bytes().get(run.end + 1).is_some_and(u8::is_ascii_alphabetic),
            Some(_) | None => !self.is_cut(run.end),
        };
        let is_trusted = symbol.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && (2..=TRUSTED_MAX).contains(&symbol.len());
        ends_well
            && self.byte_before(dollar) != Some(b'$')
            && self.stands_alone(dollar, run.end)
            && (is_trusted || self.is_listed_symbol(symbol))
    }

    /// A symbol of another shape that the universe lists.
    fn is_listed_symbol(&self, symbol: &str) -> bool {
        let is_symbol = (1..=SYMBOL_MAX).contains(&symbol.len()) && has_letter(symbol);
        is_symbol && self.lists(symbol)
    }

    /// `#` and a symbol that the universe lists.
    fn is_tag(&self, run: &Range<usize>) -> bool {
        let Some(sign) = run.start.checked_sub(1).filter(|at| self.bytes().get(*at) == Some(&b'#')) else {
            return false;
        };
        let symbol = &self.text[run.clone()];
        self.stands_alone(sign, run.end) && !self.is_cut(run.end) && has_letter(symbol) && self.lists(symbol)
    }

    /// `(EDGE)` or `($EDGE)`.
    fn is_in_parentheses(&self, run: &Range<usize>) -> bool {
        let symbol = &self.text[run.clone()];
        let opened = self.text[..run.start].strip_suffix('$').unwrap_or(&self.text[..run.start]);
        let is_trusted = (2..=TRUSTED_MAX).contains(&symbol.len());
        opened.ends_with('(')
            && self.bytes().get(run.end) == Some(&b')')
            && !self.is_cut(run.end + 1)
            && has_letter(symbol)
            && (is_trusted && !is_amount(symbol) || self.is_listed_symbol(symbol))
            && self.is_coin(symbol, run.start)
    }

    /// A word in capitals that the universe lists.
    fn is_listed_word(&self, run: &Range<usize>) -> bool {
        let symbol = &self.text[run.clone()];
        symbol.len() >= 2
            && has_letter(symbol)
            && self.stands_alone(run.start, run.end)
            && !self.is_cut(run.end)
            && self.lists(symbol)
            && self.is_coin(symbol, run.start)
    }

    /// A word in capitals that stands by itself and is nothing else.
    fn is_capital_word(&self, run: &Range<usize>) -> bool {
        let symbol = &self.text[run.clone()];
        let joins =
            |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '/') || is_word(letter);
        let letters = symbol.bytes().filter(u8::is_ascii_uppercase).count();
        (2..=TRUSTED_MAX).contains(&symbol.len())
            && letters >= 2
            && !self.letter_before(run.start).is_some_and(joins)
            && !self.letter_after(run.end).is_some_and(joins)
            && !self.is_cut(run.end)
            && !is_amount(symbol)
            && !Self::is_like_a_pair(symbol)
            // Announcements name these beside the coin they are about; a rule that wants them can ask for another
            // form.
            && !is_in(&MAJORS, symbol)
            && self.is_coin(symbol, run.start)
    }

    /// It ends like a pair, though it may not be one: one letter before the quote, or a quote whose start only the
    /// universe can show.
    fn is_like_a_pair(word: &str) -> bool {
        let base = |quote: &str| word.strip_suffix(quote).map_or(0, str::len);
        GLUED.iter().any(|quote| base(quote) >= 1) || GLUED_IF_LISTED.iter().any(|quote| base(quote) >= 2)
    }

    /// The word is not one of those that are coins only if the universe lists them. A time zone after a time is never
    /// a coin.
    fn is_coin(&self, symbol: &str, at: usize) -> bool {
        if is_in(&ZONES, symbol) {
            return self.lists(symbol) && !ends_in_time(&self.text[..at]);
        }
        !is_in(&WORDS, symbol) || self.lists(symbol)
    }

    /// A pair that begins with this run.
    fn pair(&self, run: &Range<usize>) -> Option<Pair<'t>> {
        self.listed_pair(run).or_else(|| self.separated_pair(run)).or_else(|| self.glued_pair(run))
    }

    /// A market of the universe, with any separators in it.
    fn listed_pair(&self, run: &Range<usize>) -> Option<Pair<'t>> {
        let universe = self.universe?;
        let mut ends = [run.end; MARKET_RUNS];
        let mut count = 1;
        while count < MARKET_RUNS {
            let end = ends[count - 1];
            let Some(sign) = self.bytes().get(end).copied().filter(|sign| is_separator(*sign)) else { break };
            let next = self.run_end(end + 1);
            if next == end + 1 || sign == b'/' && self.is_list(&(end..next), run.start) {
                break;
            }
            ends[count] = next;
            count += 1;
        }
        // The longest first: `EDGE-USDT-SWAP` is one market, although `EDGE-USDT` may be another.
        for end in ends[..count].iter().rev() {
            let written = &self.text[run.start..*end];
            if !is_capital(written) || written.len() > MARKET_MAX {
                continue;
            }
            let mut buffer = [0; MARKET_MAX];
            let letters = written.bytes().filter(u8::is_ascii_alphanumeric);
            let len = buffer.iter_mut().zip(letters).map(|(place, letter)| *place = letter).count();
            let name = buffer.get(..len).and_then(|name| std::str::from_utf8(name).ok())?;
            // Some exchanges name a market as the coin: that is a word, and no pair.
            let symbol = universe.of_market(name).filter(|symbol| *symbol != name);
            if let Some(symbol) = symbol {
                let symbol = Some(symbol).filter(|symbol| self.is_coin(symbol, run.start));
                return Some(Pair { symbol, quote: run.end..*end, end: *end });
            }
        }
        None
    }

    /// A base and a quote with a sign between them; `KRW-EDGE`.
    fn separated_pair(&self, run: &Range<usize>) -> Option<Pair<'t>> {
        let text = self.text;
        let sign = *self.bytes().get(run.end).filter(|sign| is_separator(**sign))?;
        let second = run.end + 1..self.run_end(run.end + 1);
        let (first, quote) = (&text[run.clone()], &text[second.clone()]);
        if sign == b'/' && self.is_list(&(run.end..second.end), run.start) {
            return None;
        }
        let base = |base: &'t str, at| Some(base).filter(|base| self.is_base(base, at));
        if first == "KRW" && sign == b'-' && is_capital(quote) && has_letter(quote) {
            return Some(Pair { symbol: base(quote, second.start), quote: run.clone(), end: second.end });
        }
        // `PERP` after a pair is its kind of contract, not the base of another pair.
        let is_pair = is_in(&QUOTES, quote) && !self.is_tail(run);
        is_pair.then(|| Pair { symbol: base(first, run.start), quote: second.clone(), end: second.end })
    }

    /// The run is the kind of contract of the pair before it.
    fn is_tail(&self, run: &Range<usize>) -> bool {
        let is_joined = matches!(self.byte_before(run.start), Some(b'-' | b'_'));
        let follows = run.start.checked_sub(2).and_then(|at| self.bytes().get(at));
        is_joined
            && follows.is_some_and(u8::is_ascii_alphanumeric)
            && is_in(&CONTRACTS, &self.text[run.clone()])
    }

    /// Three or more are joined by `/`: the first two are at `start` and in `rest`, which begins with the `/`.
    fn is_list(&self, rest: &Range<usize>, start: usize) -> bool {
        let is_run = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let before = start
            .checked_sub(2)
            .is_some_and(|at| self.bytes().get(at + 1) == Some(&b'/') && is_run(self.bytes().get(at)));
        let after = self.bytes().get(rest.end) == Some(&b'/') && is_run(self.bytes().get(rest.end + 1));
        before || after
    }

    /// A base right before its quote.
    fn glued_pair(&self, run: &Range<usize>) -> Option<Pair<'t>> {
        let word = &self.text[run.clone()];
        if is_money(word) {
            return None;
        }
        let base = |quote: &&str| word.strip_suffix(*quote).filter(|base| base.len() >= 2);
        let is_base = |base: &&str| self.is_base(base, run.start);
        let (len, symbol) = if let Some(quote) = GLUED.iter().find(|quote| word.ends_with(**quote)) {
            let base = base(quote)?;
            (base.len(), Some(base).filter(is_base))
        } else {
            // `FOOTUSD` is FOO and TUSD or FOOT and USD. A guess could buy the wrong coin, so exactly one base must
            // be listed.
            let mut readings = GLUED_IF_LISTED.iter().filter_map(base).filter(|base| self.lists(base));
            let only = readings.next()?;
            readings.next().is_none().then_some((only.len(), Some(only).filter(is_base)))?
        };
        let quote = run.start + len..run.end;
        Some(Pair { symbol, quote, end: run.end })
    }

    fn is_base(&self, base: &str, at: usize) -> bool {
        // A single letter will do before a separator: the quote vouches for it.
        (1..=SYMBOL_MAX).contains(&base.len())
            && is_capital(base)
            && has_letter(base)
            && (!is_amount(base) || self.lists(base))
            && self.is_coin(base, at)
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'/' | b'-' | b'_')
}

/// No letter is small.
fn is_capital(word: &str) -> bool {
    !word.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn has_letter(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// A number with a unit, such as 10AM or 100USDT.
fn is_amount(word: &str) -> bool {
    let unit = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
    unit.len() < word.len() && [&UNITS[..], &MONEY, &MAJORS].iter().any(|units| is_in(units, unit))
}

/// The text ends in a time of the day: `10:00`, `8 PM (`, `11:59 p.m.`
fn ends_in_time(text: &str) -> bool {
    let text = text.trim_end_matches(['$', '(', ' ', '\t', ',']);
    let strip = |text: &str, letter: char| {
        let rest =
            text.trim_end_matches('.').strip_suffix(|last: char| last.eq_ignore_ascii_case(&letter))?;
        Some(rest.len())
    };
    let half = strip(text, 'm').and_then(|len| strip(&text[..len], 'a').or_else(|| strip(&text[..len], 'p')));
    let text = half.map_or(text, |len| text[..len].trim_end_matches(' '));
    let len = text.bytes().rev().take_while(|byte| byte.is_ascii_digit() || *byte == b':').count();
    let mut parts = text[text.len() - len..].split(':').map(str::len);
    let is_hour = parts.next().is_some_and(|len| (1..=2).contains(&len));
    let mut more = 0;
    let are_minutes = parts.all(|len| {
        more += 1;
        len == 2
    });
    is_hour && are_minutes && more <= 2 && (half.is_some() || more > 0)
}
