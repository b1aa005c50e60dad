// The page's script: the same checks in a browser, told in the title.
import { check } from './check.js';

const tell = (outcome) => { document.title = `outcome: ${outcome}`; };
check().then((found) => tell(JSON.stringify(found)), (error) => tell(String(error)));
