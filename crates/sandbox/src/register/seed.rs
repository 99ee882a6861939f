//! Dice that fall the same way each time.

/// A small generator (SplitMix64); made-up people need no better.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(code: &str, n: u32) -> Self {
        let seed = code
            .bytes()
            .fold(17_u64, |seed, byte| seed * 31 + u64::from(byte));
        let mut dice = Self(seed << 32 | u64::from(n));
        dice.next();
        dice
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        // The remainder is below a u32.
        u32::try_from(self.next() % u64::from(bound.max(1))).unwrap_or(0)
    }

    /// One of `choices`; nothing of none.
    pub(super) fn pick(&mut self, choices: &'static [&'static str]) -> &'static str {
        let at = self.below(u32::try_from(choices.len()).unwrap_or(1));
        choices.get(at as usize).copied().unwrap_or_default()
    }

    /// `count` digits.
    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count)
            .filter_map(|_| char::from_digit(self.below(10), 10))
            .collect()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// A name as a mailbox has it.
pub(super) fn ascii(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            'ä' | 'á' | 'à' | 'â' | 'ã' | 'å' | 'ą' | 'æ' => Some('a'),
            'ç' | 'ć' => Some('c'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' => Some('e'),
            'í' | 'î' | 'ï' => Some('i'),
            'ł' => Some('l'),
            'ñ' | 'ń' => Some('n'),
            'ö' | 'ó' | 'ò' | 'ô' | 'õ' | 'ø' | 'ō' => Some('o'),
            'ś' => Some('s'),
            'ü' | 'ú' | 'ū' => Some('u'),
            'ź' | 'ż' => Some('z'),
            'a'..='z' => Some(letter),
            _ => None,
        })
        .collect()
}
