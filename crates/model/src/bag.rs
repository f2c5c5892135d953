//! A bag of optional fields: which are present, which are null, and their values.

use std::marker::PhantomData;

/// A piece of a string buffer, in bytes. Meaningless without the buffer it was made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Span {
    /// Appends `text` to `buffer` and returns its span. Buffers stay far below 4 GiB: a frame is at most 16 MiB, and a
    /// view holds a bounded number of them.
    pub fn push(buffer: &mut String, text: &str) -> Self {
        let start = buffer.len() as u32;
        buffer.push_str(text);
        Self { start, len: text.len() as u32 }
    }

    /// The text in `buffer`; empty if the span is not of this buffer.
    pub fn of(self, buffer: &str) -> &str {
        let start = self.start as usize;
        // Checked, although spans are made with their buffer: a mistake must show as a missing text, not as a panic.
        buffer.get(start..start + self.len as usize).unwrap_or_default()
    }
}

/// The names a [`Bag`] is indexed by: a field-less enum counted from 0.
pub trait Key: Copy + 'static {
    /// Every key, in order of index.
    const ALL: &'static [Self];
    /// Position in [`Self::ALL`]; below the bag's `N` and below 32.
    fn index(self) -> usize;
    /// Whether the value is a [`Span`]; if not it is a number.
    fn is_text(self) -> bool;
    /// Its name in the code.
    fn name(self) -> &'static str;
}

/// Up to `N` fields of one object, each absent, null, a [`Span`] or an integer.
///
/// Clearing it touches two words, so the cost of a reused bag depends only on what the next frame carries.
#[derive(Clone, Debug)]
pub struct Bag<K, const N: usize> {
    // Two words of bits and not an array of options: a clear touches them alone, and `is_empty` compares once.
    present: u32,
    null: u32,
    // One word for a span or a number, not an enum: a bag is copied for every view.
    values: [u64; N],
    keys: PhantomData<K>,
}

impl<K, const N: usize> Default for Bag<K, N> {
    fn default() -> Self {
        Self { present: 0, null: 0, values: [0; N], keys: PhantomData }
    }
}

impl<K: Key, const N: usize> Bag<K, N> {
    /// Makes every field absent.
    pub fn clear(&mut self) {
        // The values stay: without its bit none is ever read.
        self.present = 0;
        self.null = 0;
    }

    /// No field is present, not even as null.
    pub fn is_empty(&self) -> bool {
        self.present | self.null == 0
    }

    /// The field has a value.
    pub fn has(&self, key: K) -> bool {
        self.present & (1 << key.index()) != 0
    }

    /// The field came as null, which means cleared where the protocol distinguishes that from unchanged.
    pub fn is_null(&self, key: K) -> bool {
        self.null & (1 << key.index()) != 0
    }

    /// Sets a text.
    pub fn set_span(&mut self, key: K, span: Span) {
        self.set_raw(key, (u64::from(span.start) << 32) | u64::from(span.len));
    }

    /// Sets a number.
    pub fn set_int(&mut self, key: K, value: i64) {
        self.set_raw(key, value as u64);
    }

    /// Marks the field as present without a value of its own; lists are kept beside the bag.
    pub fn mark(&mut self, key: K) {
        self.set_raw(key, 0);
    }

    /// Sets null.
    pub fn set_null(&mut self, key: K) {
        self.null |= 1 << key.index();
        self.present &= !(1 << key.index());
    }

    /// The span of the text, if the field has a value and is a text.
    pub fn span(&self, key: K) -> Option<Span> {
        let raw = self.raw(key).filter(|_| key.is_text())?;
        Some(Span { start: (raw >> 32) as u32, len: raw as u32 })
    }

    /// The number, if the field has a value and is a number.
    pub fn int(&self, key: K) -> Option<i64> {
        self.raw(key).filter(|_| !key.is_text()).map(|raw| raw as i64)
    }

    /// The text in `buffer`.
    pub fn text<'a>(&self, key: K, buffer: &'a str) -> Option<&'a str> {
        self.span(key).map(|span| span.of(buffer))
    }

    /// The keys with a value, in order of index.
    pub fn keys(&self) -> impl Iterator<Item = K> + use<K, N> {
        let mut rest = self.present;
        // From bit to bit: a frame sets a few of many fields.
        std::iter::from_fn(move || {
            let index = rest.trailing_zeros() as usize;
            let key = K::ALL.get(index).copied()?;
            rest &= rest - 1;
            Some(key)
        })
    }

    /// Starts filling the bag. For many fields at once this is faster than setting one after another: each of those
    /// would wait until the last one has marked its field in the same word.
    pub fn fill(&mut self) -> Filling<'_, K, N> {
        Filling { present: 0, null: 0, bag: self }
    }

    fn raw(&self, key: K) -> Option<u64> {
        self.has(key).then(|| self.values[key.index()])
    }

    fn set_raw(&mut self, key: K, raw: u64) {
        self.values[key.index()] = raw;
        self.present |= 1 << key.index();
        self.null &= !(1 << key.index());
    }
}

/// A bag that is being filled, each field at most once. What was set reaches the bag when this is dropped.
#[derive(Debug)]
pub struct Filling<'a, K: Key, const N: usize> {
    present: u32,
    null: u32,
    bag: &'a mut Bag<K, N>,
}

impl<K: Key, const N: usize> Filling<'_, K, N> {
    /// Sets a text.
    #[inline]
    pub fn set_span(&mut self, key: K, span: Span) {
        self.set_raw(key, (u64::from(span.start) << 32) | u64::from(span.len));
    }

    /// Sets a number.
    #[inline]
    pub fn set_int(&mut self, key: K, value: i64) {
        self.set_raw(key, value as u64);
    }

    /// Marks the field as present without a value of its own.
    #[inline]
    pub fn mark(&mut self, key: K) {
        self.set_raw(key, 0);
    }

    /// Sets null.
    #[inline]
    pub fn set_null(&mut self, key: K) {
        self.null |= 1 << key.index();
    }

    #[inline]
    fn set_raw(&mut self, key: K, raw: u64) {
        self.bag.values[key.index()] = raw;
        self.present |= 1 << key.index();
    }
}

impl<K: Key, const N: usize> Drop for Filling<'_, K, N> {
    #[inline]
    fn drop(&mut self) {
        // What was not set keeps its state: a bag may be filled in several steps.
        self.bag.present = (self.bag.present & !self.null) | self.present;
        self.bag.null = (self.bag.null & !self.present) | self.null;
    }
}

/// Declares the key enum of a [`Bag`]: each field, whether it is a text or a number, and its doc line.
macro_rules! keys {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        $vis enum $name { $($(#[$doc])* $field,)* }

        impl $crate::Key for $name {
            const ALL: &'static [Self] = &[$(Self::$field,)*];
            fn index(self) -> usize { self as usize }
            fn is_text(self) -> bool { match self { $(Self::$field => $crate::bag::is_text!($kind),)* } }
            fn name(self) -> &'static str { match self { $(Self::$field => stringify!($field),)* } }
        }
    };
}
macro_rules! is_text {
    (text) => {
        true
    };
    (number) => {
        false
    };
    (list) => {
        false
    };
}
pub(crate) use {is_text, keys};

#[cfg(test)]
mod tests {
    use super::*;

    keys!(
        /// A key.
        enum Letter {
            /// Text.
            A: text,
            /// Number.
            B: number,
            /// Text.
            C: text,
        }
    );

    #[test]
    fn absent_null_and_present_are_three_states() {
        let mut buffer = String::from("x");
        let mut bag = Bag::<Letter, 3>::default();
        assert!(bag.is_empty() && !bag.has(Letter::A) && !bag.is_null(Letter::A));
        bag.set_span(Letter::A, Span::push(&mut buffer, "hé"));
        bag.set_int(Letter::B, -7);
        bag.set_null(Letter::C);
        assert_eq!(bag.text(Letter::A, &buffer), Some("hé"));
        assert_eq!(bag.int(Letter::B), Some(-7));
        assert!(bag.is_null(Letter::C) && !bag.has(Letter::C));
        assert_eq!(bag.keys().collect::<Vec<_>>(), [Letter::A, Letter::B]);
        bag.set_null(Letter::A);
        assert!(!bag.has(Letter::A) && bag.is_null(Letter::A));
        bag.clear();
        assert!(bag.is_empty());
    }

    #[test]
    fn filling_is_the_same_as_setting() {
        let mut bag = Bag::<Letter, 3>::default();
        bag.set_null(Letter::B);
        bag.set_int(Letter::C, 3);
        let mut filling = bag.fill();
        filling.set_span(Letter::A, Span { start: 1, len: 2 });
        filling.set_int(Letter::B, 7);
        filling.set_null(Letter::C);
        drop(filling);
        assert_eq!((bag.span(Letter::A), bag.int(Letter::B)), (Some(Span { start: 1, len: 2 }), Some(7)));
        assert!(bag.is_null(Letter::C) && !bag.is_null(Letter::B) && !bag.has(Letter::C));
    }

    #[test]
    fn a_key_of_the_other_type_reads_as_nothing() {
        let mut bag = Bag::<Letter, 3>::default();
        bag.set_int(Letter::B, 1);
        assert_eq!(bag.span(Letter::B), None);
        assert_eq!(Span { start: 5, len: 2 }.of("abc"), "");
    }
}
