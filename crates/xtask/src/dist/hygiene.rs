//! What the headers of a program say of how it was linked.

use anyhow::Result;
use object::elf;
use object::read::elf::{Dyn as _, ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{Endianness, Object as _};

/// What a program that ships may not be, a line each; nothing if it is fit.
pub(super) fn check(bytes: &[u8], stripped: bool) -> Result<Vec<&'static str>> {
    let headers = Headers::read(bytes)?;
    let mut rules = vec![
        (headers.interpreter, "it asks for a dynamic linker: link it statically (`+crt-static`)"),
        (headers.libraries, "it needs shared libraries: link them statically"),
        (!headers.position_independent, "it is loaded at a fixed address: make it a PIE"),
        (!headers.relro, "it has no part that is made read-only: link with `-z relro`"),
        (!headers.bind_now, "its tables stay writable: link with `-z now`"),
        (!headers.stack_not_executable, "its stack may be executable: link with `-z noexecstack`"),
        (headers.writable_code, "it has memory that is writable and executable"),
        (headers.text_relocations, "its code is changed when it is loaded: compile it as PIC"),
        (headers.library_path, "it says where to look for libraries: take the RPATH out"),
    ];
    if stripped {
        rules.push((headers.symbols, "it holds the names of its functions: strip it"));
    }
    Ok(rules.into_iter().filter(|(broken, _)| *broken).map(|(_, rule)| rule).collect())
}

/// What the rules are about.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact of a file")]
struct Headers {
    interpreter: bool,
    libraries: bool,
    position_independent: bool,
    relro: bool,
    bind_now: bool,
    stack_not_executable: bool,
    writable_code: bool,
    text_relocations: bool,
    library_path: bool,
    symbols: bool,
}

impl Headers {
    fn read(bytes: &[u8]) -> Result<Self> {
        let file = ElfFile64::<Endianness>::parse(bytes)?;
        let endian = file.endian();
        let mut headers = Self { symbols: file.symbols().next().is_some(), ..Self::default() };
        let mut flags_of_pie = false;
        for segment in file.elf_program_headers() {
            let flags = segment.p_flags(endian);
            let executable = flags.contains(elf::PF_X);
            match segment.p_type(endian) {
                elf::PT_INTERP => headers.interpreter = true,
                elf::PT_GNU_RELRO => headers.relro = true,
                elf::PT_GNU_STACK => headers.stack_not_executable = !executable,
                elf::PT_LOAD => headers.writable_code |= executable && flags.contains(elf::PF_W),
                _ => {}
            }
            for entry in segment.dynamic(endian, bytes)?.into_iter().flatten() {
                let value = entry.val(endian);
                let has = |flag: u64| value & flag != 0;
                match entry.tag(endian) {
                    elf::DT_NULL => break,
                    elf::DT_NEEDED => headers.libraries = true,
                    elf::DT_RPATH | elf::DT_RUNPATH => headers.library_path = true,
                    elf::DT_TEXTREL => headers.text_relocations = true,
                    elf::DT_BIND_NOW => headers.bind_now = true,
                    elf::DT_FLAGS => {
                        headers.bind_now |= has(elf::DF_BIND_NOW.0);
                        headers.text_relocations |= has(elf::DF_TEXTREL.0);
                    }
                    elf::DT_FLAGS_1 => {
                        headers.bind_now |= has(elf::DF_1_NOW.0);
                        flags_of_pie |= has(elf::DF_1_PIE.0);
                    }
                    _ => {}
                }
            }
        }
        // A shared library is of the same type, without that flag.
        let header = file.elf_header();
        headers.position_independent = header.e_type(endian) == elf::ET_DYN && flags_of_pie;
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// Links a program that does nothing, with these words to the C compiler.
    fn linked(folder: &Path, words: &[&str]) -> Vec<u8> {
        let (source, program) = (folder.join("a.c"), folder.join("a"));
        fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        let mut cc = Command::new("cc");
        cc.args(words).arg(&source).arg("-o").arg(&program);
        let made = cc.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::read(program).unwrap()
    }

    /// What is found in a program that was linked so, by the beginnings of the lines.
    #[track_caller]
    fn check_one(words: &[&str], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let found = check(&linked(folder.path(), words), true).unwrap();
        assert_eq!(found.len(), expected.len(), "{words:?}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{words:?}: {found}");
        }
    }

    const FIT: [&str; 6] =
        ["-static-pie", "-fPIE", "-s", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"];

    #[test]
    fn a_fit_program_passes() {
        check_one(&FIT, &[]);
    }

    #[test]
    fn each_weakness_is_found() {
        let with = |words: &[&'static str]| [&FIT[..], words].concat();
        check_one(&with(&["-Wl,-z,execstack"]), &["its stack may"]);
        check_one(&with(&["-Wl,-z,norelro"]), &["it has no part"]);
        check_one(&with(&["-Wl,-rpath,/x"]), &["it says where"]);
        let unstripped = FIT.map(|word| if word == "-s" { "-g0" } else { word });
        check_one(&unstripped, &["it holds the names"]);
        let lazy = FIT.map(|word| if word == "-Wl,-z,now" { "-Wl,-z,lazy" } else { word });
        check_one(&lazy, &["its tables stay"]);
        check_one(&["-static", "-no-pie", "-s", "-Wl,-z,relro"], &["it is loaded", "its tables"]);
        let libraries = ["-pie", "-fPIE", "-s", "-Wl,-z,relro", "-Wl,-z,now"];
        check_one(&libraries, &["it asks for", "it needs"]);
        let shared = ["-shared", "-fPIC", "-s", "-Wl,-z,relro", "-Wl,-z,now"];
        check_one(&shared, &["it is loaded"]);
    }

    /// Where the segment of this kind is described.
    fn segment(bytes: &[u8], kind: elf::ProgramType, flags: elf::ProgramFlags) -> usize {
        let file = ElfFile64::<Endianness>::parse(bytes).unwrap();
        let endian = file.endian();
        let headers = file.elf_program_headers();
        let place = headers.iter().position(|segment| {
            segment.p_type(endian) == kind && segment.p_flags(endian).contains(flags)
        });
        let start = usize::try_from(file.elf_header().e_phoff(endian)).unwrap();
        start + place.unwrap() * size_of_val(&headers[0])
    }

    #[test]
    fn what_no_linker_makes_by_itself_is_found_too() {
        let folder = tempfile::tempdir().unwrap();
        let fit = linked(folder.path(), &FIT);
        let mut writable = fit.clone();
        // The second word of a segment is its flags.
        let flags = segment(&fit, elf::PT_LOAD, elf::PF_X) + 4;
        writable[flags] |= 2;
        let found = check(&writable, true).unwrap();
        assert_eq!(found, ["it has memory that is writable and executable"]);
        let mut relocated = fit.clone();
        // The second pair of words is its place in the file, where its first entry begins with the tag.
        let place = segment(&fit, elf::PT_DYNAMIC, elf::PF_R) + 8;
        let place = u64::from_ne_bytes(fit[place..place + 8].try_into().unwrap());
        relocated[usize::try_from(place).unwrap()] = 22;
        let found = check(&relocated, true).unwrap();
        assert!(matches!(found[..], [one] if one.starts_with("its code is changed")), "{found:?}");
    }

    #[test]
    fn this_very_program_which_is_dynamic_is_refused() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        let found = check(&own, false).unwrap();
        assert!(found.len() == 2 && found[0].starts_with("it asks for"), "{found:?}");
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        assert!(check(b"#!/bin/sh\n", true).is_err());
        assert!(check(&[], true).is_err());
    }
}
