# Every output of the flake, evaluated where its inputs cannot be had: `cargo xtask nix-eval` calls this, and nothing that
# ships does.
#
# In the place of nixpkgs is corepkgs, a small relative. Its static toolchain does not evaluate, so the ordinary one is in its
# place; what corepkgs does not have is a derivation that fails if somebody builds it. So this shows that our files are right and
# that crane takes them, but neither that nixpkgs has what they name nor that musl builds them.
{
  corepkgs,
  crane,
}: let
  # What is named by our files or by crane's, and may be lacking.
  wanted = [
    "arch-install-scripts"
    "cargo-deny"
    "cargo-llvm-cov"
    "fakeroot"
    "mtools"
    "pacman"
    "squashfsTools"
    "util-linux"
    "xorriso"
  ];
  lackedBy = packages: builtins.filter (name: !(packages ? ${name})) wanted;
  overlay = final: prev: let
    absent = name: final.runCommand "absent-${name}" {} "echo 'no ${name} here'; exit 1";
    toolchain = final.symlinkJoin {
      name = "toolchain";
      paths = [
        final.rustc
        final.cargo
      ];
    };
  in
    prev.lib.genAttrs (lackedBy prev) absent
    // {
      # crane asks for the version of nixpkgs; this lib has none.
      lib =
        prev.lib
        // {
          version = "26.05";
        };
      pkgsStatic.stdenv = final.stdenv;
      # Whatever version is asked for.
      rust-bin.stable = prev.lib.genAttrs (map (minor: "1.${toString minor}.0") (
        prev.lib.range 80 120
      )) (_: {minimal.override = _: toolchain;});
      # Without the linter that corepkgs does not have.
      writeShellApplication = {
        name,
        text,
        runtimeInputs,
      }:
        final.writeShellScriptBin name "PATH=${prev.lib.makeBinPath runtimeInputs}\n${text}";
      mkShell = arguments: final.runCommand "shell" arguments "touch $out";
    };
  inherit (import corepkgs {}) lib;
  outputs = (import ../flake.nix).outputs {
    nixpkgs = corepkgs;
    crane.mkLib = pkgs: import crane {inherit pkgs;};
    rust-overlay.overlays.default = overlay;
  };
  # What makes a program is in the context of the string that names it.
  maker = app: builtins.head (builtins.attrNames (builtins.getContext app.program));
  derivation = value:
    if value ? drvPath
    then value.drvPath
    else maker value;
  flat = kind: systems:
    lib.concatMapAttrs (
      system: values:
        lib.mapAttrs' (name: value: lib.nameValuePair "${kind}.${system}.${name}" (derivation value)) values
    )
    systems;
in {
  substituted =
    [
      "lib.version"
      "mkShell"
      "pkgsStatic"
      "rust-bin"
      "writeShellApplication"
    ]
    ++ lackedBy (import corepkgs {});
  outputs = lib.concatMapAttrs flat outputs;
}
