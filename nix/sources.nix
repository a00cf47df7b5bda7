# The parts of the checkout that builds see: what is not in a part can change without anything being built anew.
{pkgs}: let
  inherit (pkgs.lib) fileset;
  part = files:
    fileset.toSource {
      root = ../.;
      fileset = fileset.unions files;
    };
  cargo = [../.cargo ../Cargo.lock ../Cargo.toml ../crates];
in {
  # That of all crates.
  inherit ((pkgs.lib.importTOML ../Cargo.toml).workspace.package) version;
  # What Cargo builds that ships.
  cargo = part cargo;
  # The crate `xtask` takes the scenarios of the emulated machine in by their paths.
  xtask = part (cargo ++ [../vm-tests]);
  # What is laid beside the programs.
  staged = part [../archiso ../systemd];
  # All that is tracked: the rules about the source are about each file. A checkout may have build folders beside it.
  checkout = part (cargo
    ++ [
      ../.ci
      ../.clippy.toml
      ../.config
      ../.gitignore
      ../.rustfmt.toml
      ../LICENSE
      ../README.md
      ../archiso
      ../flake.lock
      ../flake.nix
      ../nix
      ../systemd
      ../vm-tests
    ]);
}
