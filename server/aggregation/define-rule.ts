export { declare, type Declared } from '../../shared/declare.ts';
