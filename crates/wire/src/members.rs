//! Members of an object and items of an array, straight off the tape.

use simd_json::{Node, StaticNode};

/// The members of an object from the next one on: nodes of its name and its value, nodes below that, the next name.
///
/// Reading the value of the next member moves on to the one after it.
pub(crate) struct Members<'t, 'f>(pub(crate) &'t [Node<'f>]);

impl<'t, 'f> Members<'t, 'f> {
    /// There is a next member.
    #[inline]
    pub(crate) fn is_more(&self) -> bool {
        matches!(self.0, [Node::String(_), _, ..])
    }

    /// There is a next member, and this is its name.
    #[inline]
    pub(crate) fn is_next<const N: usize>(&self, name: &[u8; N]) -> bool {
        matches!(self.0, [Node::String(found), _, ..] if found.as_bytes() == name)
    }

    /// The next member.
    #[inline]
    pub(crate) fn peek(&self) -> Member<'t, 'f> {
        Member(self.0)
    }

    /// Removes the next member and returns it.
    #[inline]
    pub(crate) fn pop(&mut self) -> Member<'t, 'f> {
        let member = Member(self.0);
        self.0 = member.after();
        member
    }
}

/// One member of an object: the tape from its name on. Two words, so that it travels in registers.
#[derive(Clone, Copy)]
pub(crate) struct Member<'t, 'f>(&'t [Node<'f>]);

impl<'t, 'f> Member<'t, 'f> {
    #[inline]
    pub(crate) fn name(self) -> &'f str {
        if let [Node::String(name), ..] = self.0 { name } else { "" }
    }

    /// The node of its value.
    #[inline]
    pub(crate) fn value(self) -> &'t Node<'f> {
        if let [_, value, ..] = self.0 { value } else { &Node::Static(StaticNode::Null) }
    }

    /// The nodes below that.
    #[inline]
    pub(crate) fn body(self) -> &'t [Node<'f>] {
        let [_, value, after @ ..] = self.0 else { return &[] };
        after.get(..below(value)).unwrap_or_default()
    }

    /// Number of nodes from it on, which no other member of its object shares.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// The nodes of the members after it.
    #[inline]
    pub(crate) fn after(self) -> &'t [Node<'f>] {
        let [_, value, after @ ..] = self.0 else { return &[] };
        after.get(below(value)..).unwrap_or_default()
    }
}

/// Nodes below `node`.
#[inline]
pub(crate) fn below(node: &Node<'_>) -> usize {
    match node {
        Node::Object { count, .. } | Node::Array { count, .. } => *count,
        Node::String(_) | Node::Static(_) => 0,
    }
}

/// The items of the array whose nodes are given: each node with the nodes below it.
pub(crate) struct Items<'t, 'f>(pub(crate) &'t [Node<'f>]);

impl<'t, 'f> Iterator for Items<'t, 'f> {
    type Item = (&'t Node<'f>, &'t [Node<'f>]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let [value, after @ ..] = self.0 else { return None };
        let (body, rest) = after.split_at_checked(below(value))?;
        self.0 = rest;
        Some((value, body))
    }
}

/// Goes over the members of an object in their order: the arm of a known name runs, unknown names are counted, and a
/// name that occurs twice makes the frame bad. An arm reads the value of its member exactly once, and may use `?`.
///
/// Names are tried in the order in which they are written here, starting again from the first after the last. Most
/// senders always write the members of an object in the same order, so this is mostly one pass of comparisons with
/// constants, a word or two each, that the branch predictor learns. A `match` on the name would compare byte by byte
/// and jump through a table for every member.
macro_rules! members {
    ($reader:ident, $object:expr, $members:ident, { $($name:literal => $arm:expr,)* }) => {{
        let object = $object;
        let (mut seen, mut unknown) = (0_u32, 0_u32);
        let mut at = $crate::members::Members(object);
        while at.is_more() {
            let (first, bit) = (at.peek(), 1_u32);
            $(
                if at.is_next($name) {
                    if seen & bit != 0 {
                        return Err($reader.bad(stoop_model::BadReason::DuplicateKey, at.peek().name()));
                    }
                    seen |= bit;
                    let after = at.peek().after().len();
                    let $members = &mut at;
                    $arm;
                    debug_assert_eq!(at.0.len(), after, "each arm reads one value");
                }
                let bit = bit << 1;
            )*
            // Shifted once for each name: more names than bits would be seen here.
            debug_assert!(bit != 0);
            if at.0.len() == first.len() {
                unknown += 1;
                $reader.count_unknown(object, first.name(), unknown)?;
                at.pop();
            }
        }
    }};
}
pub(crate) use members;
