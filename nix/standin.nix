# What stands for nixpkgs where that cannot be had: `cargo xtask nix-eval` calls this, and nothing that ships does. It puts it, as
# `default.nix`, into a folder with `corepkgs`, a small relative of nixpkgs, and gives that folder to the flake in the place of
# its input. So every output is evaluated to what would be built, by the flake itself and with what it locks but for nixpkgs:
# that shows that our files are right and that crane takes them, not that nixpkgs has what they name nor that it builds.
{
  system,
  overlays ? [],
}: let
  # What our files or crane's name, and the set may lack.
  wanted = [
    "arch-install-scripts"
    "cargo-deny"
    "cargo-llvm-cov"
    "libisoburn"
    "mkShell"
    "mtools"
    "pacman"
    "shellcheck-minimal"
    "squashfsTools"
  ];
  standin = final: prev: let
    lacking = builtins.filter (name: !(prev ? ${name})) wanted;
    absent = name: final.runCommand "absent-${name}" {} "echo 'no ${name} here' >&2; exit 1";
    # Called, or asked, for more than being there.
    special = {
      mkShell = {packages ? [], ...}: (absent "mkShell").overrideAttrs {nativeBuildInputs = packages;};
      shellcheck-minimal = absent "shellcheck-minimal" // {compiler.bootstrapAvailable = false;};
    };
  in
    prev.lib.genAttrs lacking (name: special.${name} or (absent name))
    // {
      # crane asks for nixpkgs of this release or newer, and this library has no version.
      lib = prev.lib.extend (_: _: {version = "26.05";});
      # rust-overlay looks for files of nixpkgs by their place.
      path = ./path;
      substituted = lacking ++ ["lib.version" "path"];
    };
in
  import ./corepkgs {
    inherit system;
    overlays = [standin] ++ overlays;
  }
