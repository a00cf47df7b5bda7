# What is built from, and nothing else: a change of the README builds nothing anew.
{lib}:
lib.fileset.toSource {
  root = ../.;
  fileset = lib.fileset.unions [
    ../Cargo.toml
    ../Cargo.lock
    ../README.md
    ../LICENSE
    ../.cargo
    ../.config
    ../.clippy.toml
    ../.rustfmt.toml
    ../archiso
    ../crates
    ../systemd
    ../vm-tests
  ];
}
