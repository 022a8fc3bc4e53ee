// What we use of npm package linkedom: a document to draw into. Its own types want a browser's, which Node has not.

declare module 'linkedom' {
  export function parseHTML(html: string): { readonly document: object };
}
