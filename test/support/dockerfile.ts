export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The stages of a Dockerfile, each starting with its FROM, with continued lines joined and comments left out. */
export function stagesOf(dockerfile: string): Instruction[][] {
  const lines = dockerfile
    .split('\n')
    .filter((line) => !/^\s*#/.test(line) && line.trim() !== '')
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n');
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [, name = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, text });
  }
  return stages;
}

/** The arguments of an instruction, where it occurs last. */
export function lastOf(stage: readonly Instruction[] | undefined, name: string): string | undefined {
  return stage?.findLast((instruction) => instruction.name === name)?.text;
}
