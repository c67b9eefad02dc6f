//! The programs, and how each is asked to read a file.

/// A program that reads a file in its own way.
#[derive(Debug)]
pub struct Tool {
    /// What it is called in the results.
    pub name: &'static str,
    /// What must be installed.
    pub program: &'static str,
    /// What is run: `$1` is the file, in the working directory; `$2` a directory to write to. Its
    /// standard output depends on the file's name and octets only.
    pub script: &'static str,
    /// Whether it goes by a size that it asked for before it opened the file.
    pub trusts_lstat: bool,
}

const fn tool(name: &'static str, program: &'static str, script: &'static str) -> Tool {
    Tool {
        name,
        program,
        script,
        trusts_lstat: false,
    }
}

const fn trusting(name: &'static str, program: &'static str, script: &'static str) -> Tool {
    Tool {
        trusts_lstat: true,
        ..tool(name, program, script)
    }
}

/// All of them.
pub const TOOLS: &[Tool] = &[
    tool("cat", "cat", r#"cat "$1""#),
    tool("tac", "tac", r#"tac "$1""#),
    tool("cp", "cp", r#"cp "$1" "$2/x" && cat "$2/x""#),
    tool(
        "cp sparse",
        "cp",
        r#"cp --sparse=always "$1" "$2/x" && cat "$2/x""#,
    ),
    tool("mv", "mv", r#"mv "$1" "$2/x" && cat "$2/x""#),
    tool("install", "install", r#"install "$1" "$2/x" && cat "$2/x""#),
    tool("dd", "dd", r#"dd if="$1" bs=4096 status=none"#),
    tool("dd at once", "dd", r#"dd if="$1" bs=2M status=none"#),
    tool("head -c", "head", r#"head -c 15000 "$1""#),
    tool("head -n", "head", r#"head -n 400 "$1""#),
    tool("tail -c", "tail", r#"tail -c 100 "$1""#),
    tool("tail -n1", "tail", r#"tail -n 1 "$1""#),
    tool("wc -c", "wc", r#"wc -c "$1""#),
    tool("wc -l", "wc", r#"wc -l "$1""#),
    tool("grep", "grep", r#"grep -c Line "$1""#),
    tool("rg", "rg", r#"rg -n Line "$1""#),
    tool("rg mmap", "rg", r#"rg --mmap -n Line "$1""#),
    tool("sort", "sort", r#"sort "$1""#),
    tool("cut", "cut", r#"cut -d : -f 1 "$1""#),
    tool("awk", "awk", r#"awk '{ print NR, $0 }' "$1""#),
    tool("sed", "sed", r#"sed -n '$p' "$1""#),
    tool("od", "od", r#"od -An -tx1 "$1""#),
    tool("xxd", "xxd", r#"xxd "$1""#),
    tool("base64", "base64", r#"base64 "$1""#),
    tool("split", "split", r#"split -n 3 "$1" "$2/x" && cat "$2"/x*"#),
    tool("less", "less", r#"less "$1""#),
    tool("cksum", "cksum", r#"cksum "$1""#),
    tool("md5sum", "md5sum", r#"md5sum "$1""#),
    tool("sha256sum", "sha256sum", r#"sha256sum "$1""#),
    tool("cmp", "cmp", r#"cmp -l "$1" /dev/zero"#),
    tool("diff", "diff", r#"diff "$1" /dev/null"#),
    tool("gzip", "gzip", r#"gzip -c "$1" | gzip -dc"#),
    tool("xz", "xz", r#"xz -0c "$1" | xz -dc"#),
    tool(
        "zip",
        "zip",
        r#"zip -q "$2/x.zip" "$1" && unzip -p "$2/x.zip""#,
    ),
    tool("ar", "ar", r#"ar rc "$2/x.a" "$1" && ar p "$2/x.a""#),
    tool("tar", "tar", r#"tar -cf - "$1" | tar -xOf -"#),
    tool(
        "git hash-object",
        "git",
        r#"git hash-object --no-filters "$1""#,
    ),
    tool("rsync", "rsync", r#"rsync -a "$1" "$2/" && cat "$2/$1""#),
    tool(
        "rsync checksum",
        "rsync",
        r#"rsync -a --checksum "$1" "$2/" && cat "$2/$1""#,
    ),
    tool("busybox cat", "busybox", r#"busybox cat "$1""#),
    tool("busybox tail", "busybox", r#"busybox tail -c 100 "$1""#),
    tool("curl", "curl", r#"curl -sS "file://$PWD/$1""#),
    tool("perl slurp", "perl", r#"perl -0777 -ne 'print' "$1""#),
    tool(
        "perl -s",
        "perl",
        r#"perl -e 'open F, $ARGV[0]; read F, $b, -s F; print $b' "$1""#,
    ),
    tool("python read", "python3", r#"python3 -c "$READ" "$1""#),
    tool(
        "python copy",
        "python3",
        r#"python3 -c "$COPY" "$1" "$2/x" && cat "$2/x""#,
    ),
    tool("python mmap", "python3", r#"python3 -c "$MMAP" "$1""#),
    tool(
        "python sendfile",
        "python3",
        r#"python3 -c "$SENDFILE" "$1" "$2/x" && cat "$2/x""#,
    ),
    tool(
        "python splice",
        "python3",
        r#"python3 -c "$SPLICE" "$1" | cat"#,
    ),
    trusting("bsdtar", "bsdtar", r#"bsdtar -cf - "$1" | tar -xOf -"#),
    trusting(
        "cpio",
        "cpio",
        r#"echo "$1" | cpio -o --quiet | cpio -i --quiet --to-stdout"#,
    ),
    trusting(
        "python tarfile",
        "python3",
        r#"python3 -c "$TARFILE" "$1" | tar -xOf -"#,
    ),
    trusting("stat then read", "python3", r#"python3 -c "$EXACTLY" "$1""#),
    trusting(
        "rsync and remove",
        "rsync",
        r#"rsync -a --remove-source-files "$1" "$2/" && cat "$2/$1" && test ! -e "$1""#,
    ),
];

/// The Python programs, by the names of the environment variables that the scripts find them in.
pub const PYTHON: &[(&str, &str)] = &[
    (
        "READ",
        "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())",
    ),
    (
        "COPY",
        "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])",
    ),
    (
        "MMAP",
        "
import mmap, sys
with open(sys.argv[1], 'rb') as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as pages:
    sys.stdout.buffer.write(pages[:])
",
    ),
    // Neither asks for the size: the kernel alone decides where the file ends.
    (
        "SENDFILE",
        "
import os, sys
source = os.open(sys.argv[1], os.O_RDONLY)
target = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
while os.sendfile(target, source, None, 1 << 20):
    pass
",
    ),
    (
        "SPLICE",
        "
import os, sys
source = os.open(sys.argv[1], os.O_RDONLY)
while os.splice(source, 1, 1 << 16):
    pass
",
    ),
    (
        "TARFILE",
        "
import sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as archive:
    archive.add(sys.argv[1])
",
    ),
    (
        "EXACTLY",
        "
import os, sys
size = os.stat(sys.argv[1]).st_size
with open(sys.argv[1], 'rb', buffering=0) as file:
    sys.stdout.buffer.write(file.read(size))
",
    ),
];
