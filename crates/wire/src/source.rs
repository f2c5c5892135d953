//! The original bytes of a frame, and where its elements lie in them.

/// A frame as it came, without a byte order mark, beside what was parsed from it.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// What was parsed, escapes and all.
    pub(crate) bytes: &'a [u8],
    /// Offsets of every brace, bracket, colon, comma outside strings and of the first byte of every value and name.
    pub(crate) structurals: &'a [u32],
    /// Address of the first byte of the parsed copy, which has the same offsets.
    pub(crate) base: usize,
    /// Bytes of the frame before `bytes`.
    pub(crate) shift: usize,
}

impl Source<'_> {
    /// Where each item of a batch lies. Of an item that is neither an object nor an array only the first byte counts.
    pub(crate) fn items(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut rest = self.structurals.iter().skip(1).map(|at| *at as usize);
        let byte = |at: usize| self.bytes.get(at).copied().unwrap_or_default();
        std::iter::from_fn(move || {
            // Between items are commas, and after them the bracket that closes the array.
            let start = rest.find(|at| byte(*at) != b',').filter(|at| byte(*at) != b']')?;
            let mut depth = usize::from(matches!(byte(start), b'{' | b'['));
            let mut end = start;
            while depth > 0 {
                end = rest.next()?;
                match byte(end) {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
            }
            Some((start, end + 1))
        })
    }

    /// Where the value of a frame that is not a batch lies: from the first structural byte to the last.
    pub(crate) fn whole(&self) -> Option<(usize, usize)> {
        Some((*self.structurals.first()? as usize, *self.structurals.last()? as usize + 1))
    }
}
