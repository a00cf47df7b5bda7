# The toolchain that `Cargo.toml` names, with the target that ships.
{pkgs}: let
  manifest = builtins.fromTOML (builtins.readFile ../Cargo.toml);
  version = "${manifest.workspace.package.rust-version}.0";
in
  pkgs.rust-bin.stable.${version}.minimal.override {
    extensions = [
      "clippy"
      "rustfmt"
    ];
    targets = ["x86_64-unknown-linux-musl"];
  }
