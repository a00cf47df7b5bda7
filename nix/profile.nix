# The staged profile, which mkarchiso and `cargo xtask iso` turn into a medium: a pure copy. The store keeps of modes only
# whether a file is a program; `profiledef.sh` names all modes of the medium.
{
  pkgs,
  sources,
  xtask,
  programs,
}:
pkgs.runCommand "llmbasedos-profile" {nativeBuildInputs = [xtask];} ''
  xtask profile --source ${sources.staged} --programs ${programs}/bin $out
''
