//! The same octets in pieces, as a network may deliver them.

/// Octets in the ways that a reader may get them: all at once, one by one, and in pieces of a few.
pub fn ways(octets: &[u8]) -> [Vec<&[u8]>; 3] {
    [
        vec![octets],
        octets.chunks(1).collect(),
        uneven(octets).collect(),
    ]
}

/// The octets in uneven pieces; where they part is a matter of the octets themselves.
pub fn uneven(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = octets;
    let mut dice = octets.len();
    std::iter::from_fn(move || {
        let first = *rest.first()?;
        dice = dice.wrapping_mul(31).wrapping_add(usize::from(first));
        let (piece, later) = rest.split_at(rest.len().min(1 + dice % 13));
        rest = later;
        Some(piece)
    })
}
