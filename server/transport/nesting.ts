// How deep JSON text is nested, told from the text alone: JSON.parse builds what it reads first, and whoever walks
// the result afterwards by recursion overflows the stack.

/** Whether arrays and objects stand inside each other more than `depth` times. For text that is not JSON, either. */
export function isNestedDeeper(json: string, depth: number): boolean {
  let [open, inString] = [0, false];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (inString && character === '\\') at += 1;
    else if (character === '"') inString = !inString;
    else if (inString) continue;
    else if (character === ']' || character === '}') open -= 1;
    else if ((character === '[' || character === '{') && ++open > depth) return true;
  }
  return false;
}
