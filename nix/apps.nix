# What `nix run .#NAME` does.
{
  pkgs,
  profile,
  epoch,
}: let
  inherit (pkgs) lib;
  lock = ./arch.lock.json;
  # mkarchiso as its project tags it: the tree's own hash, by `nix hash path` over `git archive v88`.
  archiso = pkgs.fetchFromGitHub {
    owner = "archlinux";
    repo = "archiso";
    rev = "v88";
    hash = "sha256-i251RraglIM6q2t7037P6r6xjnKklZUJPPRBHgznndY=";
  };
  mkarchiso = pkgs.runCommand "mkarchiso-88" {} ''
    install -D -m 755 ${archiso}/archiso/mkarchiso $out/bin/mkarchiso
    patchShebangs $out/bin
  '';
  script = name: runtimeInputs: text: pkgs.writeShellApplication {inherit name runtimeInputs text;};
  app = description: program: {
    type = "app";
    program = lib.getExe program;
    meta = {inherit description;};
  };
  # In a checkout: they build what is there, with the toolchain of the dev shell.
  xtask = command: script "llmbasedos-${command}" [] ''exec nix develop --command cargo xtask ${command} "$@"'';

  lockArch = script "lock-arch" [
    pkgs.coreutils
    pkgs.fakeroot
    pkgs.gnused
    pkgs.jq
    pkgs.pacman
  ] (builtins.readFile ./lock-arch.sh);
  iso = script "iso" [
    mkarchiso
    pkgs.arch-install-scripts
    pkgs.bash
    pkgs.coreutils
    pkgs.dosfstools
    pkgs.findutils
    pkgs.gawk
    pkgs.gnugrep
    pkgs.gnused
    pkgs.gzip
    pkgs.jq
    pkgs.libarchive
    pkgs.libisoburn
    pkgs.mtools
    pkgs.pacman
    pkgs.squashfsTools
    pkgs.util-linux
  ] (builtins.readFile ./iso.sh);
in {
  up = app "Start the appliance on this machine, without root" (xtask "up");
  # Its trees are Debian's, made by the mmdebstrap of the machine.
  vm = app "Boot the appliance in an emulated machine" (xtask "vm");
  lock-arch = app "Write down which packages of Arch the medium consists of" (
    script "lock-arch-here" [] ''
      exec ${lib.getExe lockArch} archiso "''${1:-nix/arch.lock.json}"
    ''
  );
  iso = app "Build the medium of the locked packages" (
    script "iso-here" [] (
      if builtins.pathExists lock
      then ''
        export SOURCE_DATE_EPOCH="''${SOURCE_DATE_EPOCH:-${toString epoch}}"
        exec ${lib.getExe iso} ${profile} ${lock} ${import ./arch.nix {inherit pkgs lock;}} "''${1:-out}"
      ''
      else ''
        echo "error: no packages are locked: run 'nix run .#lock-arch', which needs a network that reaches Arch," >&2
        echo "and 'git add nix/arch.lock.json', since a flake sees only what git knows" >&2
        exit 1
      ''
    )
  );
}
