//! Archives, and what is wrong with some.

use std::fs;
use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::server::{ANNA, Server};

#[test]
fn what_is_packed_is_what_is_extracted() {
    let server = Server::start();
    server.plant();
    for name in ["x.zip", "x.tar", "x.tar.gz", "x.tgz"] {
        let archive = format!("/{name}");
        let pack = json!({ "sources": ["/d", "/a.txt"], "destination": archive });
        let packed = server.call("fs_archive", &pack);
        assert_eq!(packed["entries"], 5, "{name}");
        server.refused(&ANNA, "fs_archive", &pack, "conflict", "exists already");
        let out = format!("/out-{name}");
        server.call("fs_extract", &json!({ "source": archive, "destination": out }));
        for file in ["/d/c.txt", "/d/e/f.txt", "/a.txt"] {
            let extracted = fs::read(server.at(&format!("{out}{file}"))).unwrap();
            assert_eq!(extracted, fs::read(server.at(file)).unwrap(), "{name} {file}");
        }
        server.call("fs_undo", &json!({ "client": "anna" }));
        assert!(!server.at(&out).is_dir() && !server.at(&archive).is_file());
    }
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar(entries: &[(tar::EntryType, &str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (kind, name, target) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(0);
        // The writer would refuse such a name itself.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        builder.append(&header, std::io::empty()).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn bombs_and_ways_out_are_refused_and_leave_nothing() {
    let server = Server::start();
    fs::write(server.folder.path().join("secret"), "secret").unwrap();
    let zeros = vec![0; 4 * 1024 * 1024];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let mut header = tar::Header::new_gnu();
    header.set_size(zeros.len() as u64);
    let mut bomb = tar::Builder::new(&mut gzip);
    bomb.append_data(&mut header, "zeros", zeros.as_slice()).unwrap();
    bomb.into_inner().unwrap();
    let names: Vec<String> = (0..20_001).map(|at| at.to_string()).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let link = tar::EntryType::Symlink;
    let regular = tar::EntryType::Regular;
    let cases = [
        ("bomb.zip", zip(&[("zeros", &zeros)]), "too_large", "more than"),
        ("bomb.tgz", gzip.finish().unwrap(), "too_large", "more than"),
        ("many.zip", zip(&many), "too_large", "more than 20000 entries"),
        ("up.zip", zip(&[("../up", b"x")]), "invalid_arguments", "leads out"),
        ("back.zip", zip(&[("..\\up", b"x")]), "invalid_arguments", "leads out"),
        ("abs.tar", tar(&[(regular, "/tmp/x", "")]), "invalid_arguments", "leads out"),
        ("up.tar", tar(&[(regular, "a/../../up", "")]), "invalid_arguments", "leads out"),
        (
            "link.tar",
            tar(&[(link, "l", "/"), (regular, "l/x", "")]),
            "invalid_arguments",
            "a link or a device",
        ),
        (
            "hard.tar",
            tar(&[(tar::EntryType::Link, "l", "/etc/passwd")]),
            "invalid_arguments",
            "a link or a device",
        ),
        (
            "dev.tar",
            tar(&[(tar::EntryType::Block, "d", "")]),
            "invalid_arguments",
            "a link or a device",
        ),
        ("twice.zip.tar", tar(&[(regular, "x", ""), (regular, "x", "")]), "conflict", "exists"),
        ("no.zip", b"PK\x05\x06 not".to_vec(), "invalid_arguments", "damaged"),
        ("no.tgz", b"\x1f\x8b not".to_vec(), "invalid_arguments", "damaged"),
        ("own.tar", tar(&[(regular, ".llmbasedos-tmp-1", "")]), "invalid_arguments", "reserved"),
        ("hidden.zip", zip(&[("a/.ssh/authorized_keys", b"x")]), "denied", "protected"),
        ("no.rar", Vec::new(), "invalid_arguments", "ends with"),
    ];
    for (name, bytes, kind, says) in cases {
        server.file(name, bytes);
        let before = server.state();
        let memory = server.memory("VmHWM");
        let extract = json!({ "source": format!("/{name}"), "destination": "/out" });
        server.refused(&ANNA, "fs_extract", &extract, kind, says);
        assert_eq!(server.state(), before, "{name}");
        assert_eq!(server.left(), (0, 0), "{name}");
        let grown = server.memory("VmHWM") - memory;
        assert!(grown < 64 * 1024, "{name}: {grown} KiB");
    }
}
