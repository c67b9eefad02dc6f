//! Messages that look like mail to a program that searches them.

/// A message as a Maildir keeps it: lines end with LF.
pub struct Text {
    bytes: String,
    lines: usize,
}

/// How large a message is.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// The octets in the file.
    pub stored: usize,
    /// The octets with CRLF line ends.
    pub on_the_wire: usize,
}

const WORDS: [&str; 32] = [
    "about",
    "after",
    "again",
    "archive",
    "because",
    "between",
    "colleague",
    "delivery",
    "evening",
    "folder",
    "general",
    "however",
    "important",
    "journey",
    "kernel",
    "letter",
    "mailbox",
    "nothing",
    "office",
    "perhaps",
    "question",
    "reading",
    "server",
    "together",
    "understand",
    "village",
    "weather",
    "yesterday",
    "a",
    "of",
    "the",
    "to",
];

/// Chosen so that mixed mail has the mean it should have, and its first hundred messages, too.
const SEED: u64 = 800_000;

/// Lines are broken after this many characters.
const WIDTH: usize = 66;

impl Text {
    /// A message of about so many octets, CRLF line ends counted.
    pub fn message(number: usize, octets: usize, chance: &mut Chance) -> Text {
        let mut text = Text {
            bytes: String::new(),
            lines: 0,
        };
        text.header(number, chance);
        while text.on_the_wire() < octets {
            text.body_line(chance);
        }
        text
    }

    /// Its sizes.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            stored: self.bytes.len(),
            on_the_wire: self.on_the_wire(),
        }
    }

    /// The octets with CRLF line ends.
    fn on_the_wire(&self) -> usize {
        self.bytes.len() + self.lines
    }

    /// The contents of the file.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_bytes()
    }

    fn header(&mut self, number: usize, chance: &mut Chance) {
        let (day, hour) = (1 + number % 28, number % 24);
        let date = format!("{day:02} Jun 2024 {hour:02}:15:00 +0000");
        self.line(&format!(
            "Received: from relay.example.net by mx.example.org; {date}"
        ));
        self.line(&format!(
            "From: Sender {} <sender{}@example.net>",
            number % 97,
            number % 97
        ));
        self.line("To: Ann <ann@example.org>");
        self.line(&format!("Subject: {} {}", chance.word(), chance.word()));
        self.line(&format!("Date: {date}"));
        self.line(&format!("Message-ID: <{number}.bench@example.net>"));
        self.line("MIME-Version: 1.0");
        self.line("Content-Type: text/plain; charset=us-ascii");
        self.line("");
    }

    fn body_line(&mut self, chance: &mut Chance) {
        let mut line = String::from(chance.word());
        while line.len() < WIDTH {
            line.push(' ');
            line.push_str(chance.word());
        }
        // Some lines have to be stuffed with a dot.
        if chance.between(0, 50) == 0 {
            line.insert(0, '.');
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        self.bytes.push_str(line);
        self.bytes.push('\n');
        self.lines += 1;
    }
}

/// The SplitMix64 generator: the same numbers everywhere.
pub struct Chance {
    state: u64,
}

impl Chance {
    /// The chances of one message.
    pub fn new(number: usize) -> Chance {
        // Far apart, so that the messages' sequences do not overlap.
        let distant = (SEED + number as u64).wrapping_mul(0xD134_2543_DE82_EF95);
        Chance { state: distant }
    }

    /// A number from the first up to, not including, the second.
    pub fn between(&mut self, least: usize, end: usize) -> usize {
        least + (self.next() % (end - least) as u64) as usize
    }

    /// A normally distributed number (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.fraction(), self.fraction());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.between(0, WORDS.len())]
    }

    /// At least 0 and less than 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
