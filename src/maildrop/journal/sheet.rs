//! A file to which whole records are added.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

/// A file of records.
#[derive(Debug)]
pub(super) struct Sheet {
    file: Arc<File>,
    length: u64,
    /// Whether there may be a part of a record behind that.
    is_torn: bool,
}

impl Sheet {
    /// A file that is so long, in octets.
    pub fn of(file: File, length: u64) -> Self {
        Self {
            file: Arc::new(file),
            length,
            is_torn: false,
        }
    }

    /// The file, to be flushed while others add to it.
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Adds a line; all of it or nothing, and nothing to a part of one.
    pub fn append(&mut self, line: &str) -> io::Result<()> {
        if self.is_torn {
            self.mend()?;
        }
        if let Err(error) = (&*self.file).write_all(line.as_bytes()) {
            self.is_torn = true;
            // If this fails as well, nothing is added before it has been done.
            let _ = self.mend();
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Takes off a part of a line.
    fn mend(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.is_torn = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};

    use super::super::directory::private;
    use super::*;

    #[test]
    fn nothing_is_added_to_a_record_that_was_cut_short() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sheet");
        let mut sheet = Sheet::of(private().append(true).open(&path).unwrap(), 0);
        sheet.append("+ a\n").unwrap();
        // A device takes no octet, and cannot be cut either.
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let file = std::mem::replace(&mut sheet.file, Arc::new(full));
        for _ in 0..2 {
            assert!(sheet.append("+ b\n").is_err());
        }
        (&*file).write_all(b"+ 7 1").unwrap();
        sheet.file = file;
        sheet.append("+ c\n").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "+ a\n+ c\n");
    }
}
