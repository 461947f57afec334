import './tokens.css';
import './base.css';
import './catalogue.css';
